//! Suggesting similar names.

/// The maximum number of suggestions.
const MOST: usize = 3;
/// The minimum similarity of two names, out of 1.
const ALIKE: f64 = 0.8;

/// Returns the known names most similar to an unknown one, the closest first.
pub(crate) fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        let is_part = !wanted.is_empty() && (known.contains(&wanted) || wanted.contains(&known));
        if is_part { 1.0 } else { strsim::jaro_winkler(&wanted, &known) }
    };
    let mut alike: Vec<_> = known
        .into_iter()
        .map(|known| (likeness(known), known))
        .filter(|it| it.0 >= ALIKE)
        .collect();
    let mut near = Vec::new();
    while near.len() < MOST {
        // Of equally similar ones, the first.
        let most = alike.iter().enumerate().rev().max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
        let Some((place, _)) = most else { break };
        near.push(alike.remove(place).1);
    }
    near
}

/// Returns the end of a message about an unknown name.
#[cfg(feature = "config")]
pub(crate) fn did_you_mean(near: &[impl AsRef<str>]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<_> = near.iter().map(|name| format!("{:?}", name.as_ref())).collect();
    format!("; did you mean {}?", names.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_are_near_by_spelling_or_by_being_a_part() {
        let known = ["github_create_issue", "github_list_issues", "weather_now", "comand"];
        assert_eq!(near("command", known), ["comand"]);
        assert_eq!(near("create_issue", known), ["github_create_issue"]);
        assert_eq!(near("WEATHER_NOW", known), ["weather_now"]);
        assert!(near("zzz", known).is_empty() && near("", known).is_empty());
    }

    #[cfg(feature = "config")]
    #[test]
    fn a_message_ends_with_what_is_near() {
        use super::did_you_mean;

        assert_eq!(did_you_mean(&[""; 0]), "");
        assert_eq!(did_you_mean(&["a", "b"]), r#"; did you mean "a" or "b"?"#);
    }
}
