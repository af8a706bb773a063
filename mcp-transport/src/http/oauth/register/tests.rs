//! Where the identifier of a client comes from, case by case.

use super::*;

const LOOPBACK: &str = "http://127.0.0.1:1234/callback";

fn server(change: impl FnOnce(&mut ServerMetadata)) -> ServerMetadata {
    let mut server = ServerMetadata::by_default("https://as.example.com").unwrap();
    change(&mut server);
    server
}

fn methods(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn decide(oauth: &OAuth, server: &ServerMetadata, known: Option<Registration>) -> Plan {
    plan(oauth, server, known, Some(LOOPBACK), 1000).unwrap()
}

fn used(plan: Plan) -> Registration {
    match plan {
        Plan::Use(client) => client,
        Plan::Register(..) => panic!("it registers"),
    }
}

fn asked(plan: Plan) -> Map<String, Value> {
    match plan {
        Plan::Use(_) => panic!("it does not register"),
        Plan::Register(url, request) => {
            assert_eq!(url.as_str(), "https://as.example.com/register");
            request
        }
    }
}

fn known() -> Registration {
    Registration { redirect_uri: Some(LOOPBACK.to_owned()), ..Registration::public("known") }
}

// spec: REG-01 REG-02 REG-03 REG-06 REG-07
// seed: 65
#[test]
fn what_is_configured_comes_first_then_a_document_then_registration() {
    let with_documents = server(|it| it.takes_client_metadata = true);
    let url = "https://app.example.com/client.json";
    let all = OAuth::new("App").client_id("mine").client_metadata_url(url);
    assert_eq!(used(decide(&all, &with_documents, Some(known()))).client_id, "mine");
    let document = OAuth::new("App").client_metadata_url(url);
    assert_eq!(used(decide(&document, &with_documents, Some(known()))), Registration::public(url));
    let without = server(|_| ());
    assert_eq!(used(decide(&document, &without, Some(known()))).client_id, "known");
    assert_eq!(asked(decide(&document, &without, None))["client_name"], "App");
    let closed = server(|it| it.registration_endpoint = None);
    let error = plan(&document, &closed, None, Some(LOOPBACK), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Registration);
    assert!(error.to_string().contains("https://as.example.com"), "{error}");
}

// spec: REG-08 REG-09 REG-15 FLOW-04
#[test]
fn a_client_says_what_it_is() {
    let oauth = OAuth::new("App").registration_member("software_id", json!("x"));
    let request = asked(decide(&oauth, &server(|_| ()), None));
    assert_eq!(request["application_type"], "native");
    assert_eq!(request["redirect_uris"], json!([LOOPBACK]));
    assert_eq!(request["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(request["token_endpoint_auth_method"], "none");
    assert_eq!(request["software_id"], "x");
    assert!(!request.contains_key("scope"));
    let web = Some("https://app.example.com/callback");
    let web = plan(&oauth.scopes(["a", "b"]), &server(|_| ()), None, web, 0).unwrap();
    let request = asked(web);
    assert_eq!((&request["application_type"], &request["scope"]), (&json!("web"), &json!("a b")));
    let error = plan(&OAuth::new("App"), &server(|_| ()), None, Some("http://x/"), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

// spec: REG-16
#[test]
fn a_client_proves_who_it_is_in_the_way_that_is_taken() {
    for (listed, expected) in [
        (None, "none"),
        (methods(&["client_secret_basic", "none"]), "none"),
        (methods(&["client_secret_post", "client_secret_basic"]), "client_secret_basic"),
        (methods(&["client_secret_post"]), "client_secret_post"),
    ] {
        let server = server(|it| it.token_endpoint_auth_methods = listed);
        let request = asked(decide(&OAuth::new("App"), &server, None));
        assert_eq!(request["token_endpoint_auth_method"], expected);
    }
    let secret = OAuth::new("App").client_id("id").client_secret("s");
    let method = |listed| {
        let server = server(|it| it.token_endpoint_auth_methods = listed);
        plan(&secret, &server, None, None, 0).map(|plan| used(plan).method)
    };
    assert_eq!(method(None).unwrap(), AuthenticationMethod::ClientSecretBasic);
    assert_eq!(
        method(methods(&["client_secret_post"])).unwrap(),
        AuthenticationMethod::ClientSecretPost
    );
    assert_eq!(method(methods(&["none"])).unwrap_err().kind(), ErrorKind::Configuration);
    let forced = secret.authentication_method(AuthenticationMethod::ClientSecretPost);
    assert_eq!(
        used(decide(&forced, &server(|_| ()), None)).method,
        AuthenticationMethod::ClientSecretPost
    );
}

// spec: REG-16
// seed: 63 65
#[test]
fn a_registration_is_read_as_it_was_made() {
    let request = asked(decide(&OAuth::new("App"), &server(|_| ()), None));
    let read = |answer: Value| {
        let Value::Object(answer) = answer else { panic!("not an object") };
        read(&request, &answer, "https://as.example.com", LOOPBACK)
    };
    // A secret that was not requested is not used.
    let public = read(json!({ "client_id": "id", "client_secret": "s" })).unwrap();
    assert_eq!((public.method, public.client_secret), (AuthenticationMethod::None, None));
    let secret = read(json!({
        "client_id": "id", "client_secret": "s", "client_secret_expires_at": 1001,
        "token_endpoint_auth_method": "client_secret_post",
    }));
    let secret = secret.unwrap();
    assert_eq!(secret.method, AuthenticationMethod::ClientSecretPost);
    assert_eq!(used(decide(&OAuth::new("App"), &server(|_| ()), Some(secret.clone()))), secret);
    let expired = Registration { secret_expires_at: Some(1000), ..secret.clone() };
    asked(decide(&OAuth::new("App"), &server(|_| ()), Some(expired)));
    let elsewhere = Registration { redirect_uri: None, ..secret };
    asked(decide(&OAuth::new("App"), &server(|_| ()), Some(elsewhere)));
    let never = read(json!({ "client_id": "id", "client_secret_expires_at": 0 })).unwrap();
    assert_eq!(never.secret_expires_at, None);
    for broken in [
        json!({}),
        json!({ "client_id": "" }),
        json!({ "client_id": "id", "token_endpoint_auth_method": "tls_client_auth" }),
        json!({ "client_id": "id", "token_endpoint_auth_method": "client_secret_basic" }),
    ] {
        assert_eq!(read(broken).unwrap_err().kind(), ErrorKind::Registration);
    }
}

// spec: REG-04 REG-05
// seed: 65
#[test]
fn a_document_of_a_client_says_where_it_is() {
    let url = "https://app.example.com/client.json";
    let app = OAuth::new("App").client_metadata_url(url).registration_member("client_id", json!(1));
    let document = app.client_metadata([LOOPBACK]).unwrap();
    assert_eq!((&document["client_id"], &document["client_name"]), (&json!(url), &json!("App")));
    assert_eq!(document["redirect_uris"], json!([LOOPBACK]));
    assert!(app.client_metadata(["http://app.example.com/callback"]).is_err());
    assert!(OAuth::new("App").client_metadata([LOOPBACK]).is_err());
}

// spec: REG-04
// seed: 65
#[test]
fn a_document_of_a_client_is_at_an_https_url_with_a_path() {
    assert!(check_client_metadata("https://app.example.com/client.json").is_ok());
    for url in [
        "http://app.example.com/client.json",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/client.json#x",
        "https://me@app.example.com/client.json",
        "https://app.example.com/a/../client.json",
        "client.json",
    ] {
        let error = check_client_metadata(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
    }
}
