//! Oddities of the published schemas, each undone by its own function.
//!
//! A fix-up reports whether it changed anything; one that no longer does fails the generator, so that none outlives its
//! reason.

mod extension;

use crate::{
    codegen::revisions::Source,
    schema::{Document, Schema},
};
use anyhow::{Result, bail};

/// A change to the definitions of some sources. It returns the number of changed places.
struct Fixup {
    name: &'static str,
    sources: &'static [&'static str],
    apply: fn(&mut Document) -> usize,
}

const FIXUPS: &[Fixup] = &[
    Fixup {
        name: "annotations_were_a_mixin",
        sources: &["2024-11-05"],
        apply: annotations_were_a_mixin,
    },
    Fixup {
        name: "template_references_had_another_name",
        sources: &["2024-11-05", "2025-03-26"],
        apply: template_references_had_another_name,
    },
    Fixup {
        name: "one_enum_schema_was_the_first",
        sources: &["2025-06-18"],
        apply: one_enum_schema_was_the_first,
    },
    Fixup {
        name: "forms_were_the_only_elicitation",
        sources: &["2025-06-18"],
        apply: forms_were_the_only_elicitation,
    },
    Fixup {
        name: "one_notification_is_no_union",
        sources: &["2026-07-28"],
        apply: one_notification_is_no_union,
    },
    Fixup { name: "result_types_are_open", sources: &["2026-07-28"], apply: result_types_are_open },
    Fixup {
        name: "an_interim_result_has_one_type",
        sources: &["2026-07-28"],
        apply: an_interim_result_has_one_type,
    },
    Fixup {
        name: "stop_reasons_are_open",
        sources: &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"],
        apply: stop_reasons_are_open,
    },
    Fixup {
        name: "types_of_the_extension_are_written_out",
        sources: &["ext-tasks"],
        apply: extension::types_are_written_out,
    },
    Fixup {
        name: "a_detailed_task_is_one_struct",
        sources: &["ext-tasks"],
        apply: extension::a_detailed_task_is_one_struct,
    },
    Fixup {
        name: "final_results_of_the_extension_have_a_plain_type",
        sources: &["ext-tasks"],
        apply: extension::final_results_have_a_plain_type,
    },
];

/// Undoes the oddities of one source.
pub(crate) fn apply(source: Source, document: &mut Document) -> Result<()> {
    for fixup in FIXUPS.iter().filter(|fixup| fixup.sources.contains(&source.name())) {
        if (fixup.apply)(document) == 0 {
            bail!("fix-up {} no longer applies to {}: remove it", fixup.name, source.name());
        }
    }
    Ok(())
}

/// Calls a function on every schema of the document, and adds up its changes.
fn each(document: &mut Document, mut change: impl FnMut(&mut Schema) -> usize) -> usize {
    let mut count = 0;
    for definition in document.definitions.values_mut() {
        // The function below never fails.
        let _ = definition.visit_mut(&mut |schema| {
            count += change(schema);
            Ok(())
        });
    }
    count
}

/// Renames a definition and all references to it.
fn rename(document: &mut Document, old: &str, new: &str) -> usize {
    let Some(definition) = document.definitions.shift_remove(old) else { return 0 };
    document.definitions.insert(new.to_owned(), definition);
    1 + each(document, |schema| match schema.target() {
        Some(target) if target == old => {
            *schema = Schema::reference_to(new);
            1
        }
        _ => 0,
    })
}

/// 2024-11-05 mixes `annotations` into its types by inheritance, which the file writes out at each of them. From
/// 2025-03-26 on they refer to a definition
/// (<https://modelcontextprotocol.io/specification/2025-06-18/schema#annotations>).
fn annotations_were_a_mixin(document: &mut Document) -> usize {
    let Some(mixin) = document.definitions.shift_remove("Annotated") else { return 0 };
    let Some(annotations) = mixin.property("annotations").cloned() else { return 0 };
    let count = each(document, |schema| {
        let members = schema.properties.iter_mut().flat_map(|members| members.values_mut());
        let same = members.filter(|member| **member == annotations);
        same.map(|member| *member = Schema::reference_to("Annotations")).count()
    });
    document.definitions.insert("Annotations".to_owned(), annotations);
    count
}

/// Until 2025-03-26 a `ResourceTemplateReference` is called `ResourceReference`
/// (<https://modelcontextprotocol.io/specification/2025-06-18/schema#resourcetemplatereference>).
fn template_references_had_another_name(document: &mut Document) -> usize {
    rename(document, "ResourceReference", "ResourceTemplateReference")
}

/// What 2025-06-18 calls `EnumSchema` is since 2025-11-25 one of several, the `LegacyTitledEnumSchema`
/// (<https://modelcontextprotocol.io/seps/1330-elicitation-enum-schema-improvements-and-standards>).
fn one_enum_schema_was_the_first(document: &mut Document) -> usize {
    rename(document, "EnumSchema", "LegacyTitledEnumSchema")
}

/// 2025-06-18 knows forms alone, so that the parameters of an elicitation are no union
/// (<https://modelcontextprotocol.io/seps/1036-url-mode-elicitation-for-secure-out-of-band-intera>).
fn forms_were_the_only_elicitation(document: &mut Document) -> usize {
    let request = document.definitions.get_mut("ElicitRequest");
    let members = request.and_then(|request| request.properties.as_mut());
    let Some(params) = members.and_then(|members| members.get_mut("params")) else { return 0 };
    let union = Schema {
        any_of: Some(vec![Schema::reference_to("ElicitRequestFormParams")]),
        ..Schema::default()
    };
    let form = std::mem::replace(params, union);
    document.definitions.insert("ElicitRequestFormParams".to_owned(), form);
    1
}

/// A client of 2026-07-28 sends one kind of notification, and the file has its definition in place of the union of one
/// (<https://modelcontextprotocol.io/specification/2026-07-28/schema#cancellednotification>).
fn one_notification_is_no_union(document: &mut Document) -> usize {
    let definitions = &mut document.definitions;
    if definitions.get("ClientNotification") != definitions.get("CancelledNotification") {
        return 0;
    }
    let union = Schema {
        any_of: Some(vec![Schema::reference_to("CancelledNotification")]),
        ..Schema::default()
    };
    definitions.insert("ClientNotification".to_owned(), union);
    1
}

/// The source of the schema names values of `resultType`, which the file drops because others are allowed
/// (<https://modelcontextprotocol.io/specification/2026-07-28/basic#resulttype>).
fn result_types_are_open(document: &mut Document) -> usize {
    let values = ["complete", "input_required", "task"].map(str::to_owned);
    match document.definitions.get_mut("ResultType") {
        Some(schema) if schema.values.is_none() => {
            schema.values = Some(values.into());
            1
        }
        _ => 0,
    }
}

/// `InputRequiredResult` says by inheritance that its `resultType` is any string; it is `input_required`
/// (<https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>).
fn an_interim_result_has_one_type(document: &mut Document) -> usize {
    let result = document.definitions.get_mut("InputRequiredResult");
    let members = result.and_then(|result| result.properties.as_mut());
    match members.and_then(|members| members.get_mut("resultType")) {
        Some(member) if member.constant.is_none() => {
            member.constant = Some("input_required".into());
            1
        }
        _ => 0,
    }
}

/// The source of the schema names reasons to stop, which the file drops because others are allowed
/// (<https://modelcontextprotocol.io/specification/2026-07-28/schema#createmessageresult>).
fn stop_reasons_are_open(document: &mut Document) -> usize {
    let has_tools = document.definitions.contains_key("ToolUseContent");
    let result = document.definitions.get_mut("CreateMessageResult");
    let members = result.and_then(|result| result.properties.as_mut());
    let Some(reason) = members.and_then(|members| members.get_mut("stopReason")) else { return 0 };
    if reason.values.is_some() {
        return 0;
    }
    let mut values = vec!["endTurn", "maxTokens", "stopSequence"];
    values.extend(has_tools.then_some("toolUse"));
    reason.values = Some(values.into_iter().map(str::to_owned).collect());
    1
}

#[cfg(test)]
mod tests {
    use super::{FIXUPS, Source, apply};
    use crate::schema::Document;

    #[test]
    fn a_fixup_without_effect_stops_the_generator() {
        for source in Source::all() {
            let mut document = Document::load(source.name()).unwrap();
            apply(source, &mut document).unwrap();
            let is_fixed = FIXUPS.iter().any(|fixup| fixup.sources.contains(&source.name()));
            assert!(!is_fixed || apply(source, &mut document).is_err(), "{}", source.name());
        }
    }
}
