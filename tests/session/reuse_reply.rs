//! Which replies are used again, for whom, and until when.

use crate::{
    mock::{Mock, around, call, refusal, reply},
    script::{Answer, Script, deadline, discovered},
};
use mcp_session::{
    AuthorizationContext, Call, Event, Options, Reply, Reuse, ReuseOptions, ReuseReply,
    ReuseReplyLayer, Reused,
};
use mcp_transport::{Binding, BoxError, Delivery};
use mcp_types::{RawJson, keys, rpc::Notification};
use serde_json::{Value, json};
use std::time::Duration;
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

/// A server behind a cache.
struct Cached {
    service: ReuseReply<BoxCloneSyncService<Call, Reply, BoxError>>,
    mock: Mock,
    layer: ReuseReplyLayer,
}

fn cached(options: ReuseOptions) -> Cached {
    let layer = ReuseReplyLayer::new(options);
    let (service, mock) = around(&layer);
    Cached { service, mock, layer }
}

impl Cached {
    /// Returns what a call receives: the server's answer, or a cached reply, without using the answer.
    async fn ask(
        &mut self,
        call: Call,
        answer: Result<Value, BoxError>,
    ) -> (Result<Reply, BoxError>, bool) {
        let outcome = self.service.ready().await.unwrap().call(call);
        let mut outcome = std::pin::pin!(outcome);
        tokio::select! {
            biased;
            outcome = &mut outcome => (outcome, false),
            asked = self.mock.next_request() => {
                match answer {
                    Ok(result) => asked.unwrap().1.send_response(reply(result)),
                    Err(error) => asked.unwrap().1.send_error(error),
                }
                (outcome.await, true)
            }
        }
    }

    /// Whether the server is asked, in which case it answers with this.
    async fn asks(&mut self, call: Call, answer: &Value) -> bool {
        let (outcome, asked) = self.ask(call, Ok(answer.clone())).await;
        let result: Value = outcome.unwrap().decode().unwrap();
        if asked {
            assert_eq!(&result, answer);
        }
        asked
    }
}

fn fresh() -> Value {
    json!({"tools": [], "ttlMs": 1000, "cacheScope": "public"})
}

fn read(uri: &str) -> Call {
    call("resources/read", json!({"uri": uri}))
}

fn list() -> Call {
    Call::new("tools/list")
}

fn context(name: &str) -> AuthorizationContext {
    AuthorizationContext::new(name)
}

async fn pass(millis: u64) {
    tokio::time::advance(Duration::from_millis(millis)).await;
}

// spec: CACHE-04 CACHE-06 CACHE-07
// seed: 43
#[tokio::test(start_paused = true)]
async fn a_reply_is_used_until_its_time_is_over_and_then_the_server_is_asked_again() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        assert!(cached.asks(list(), &fresh()).await);
        pass(999).await;
        let (kept, asked) = cached.ask(list(), Ok(Value::Null)).await;
        let reused = *kept.unwrap().extensions.get::<Reused>().unwrap();
        assert!(!asked && !reused.is_stale && reused.age == Duration::from_millis(999));
        pass(1).await;
        assert!(cached.asks(list(), &fresh()).await);
        assert!(!cached.asks(list(), &fresh()).await, "the time runs from the new reply");
    })
    .await;
}

// spec: CACHE-01
#[tokio::test(start_paused = true)]
async fn only_the_same_method_and_parameters_are_the_same_question() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let params = |text: &str| {
            let (params, _) =
                mcp_session::Params::split(&RawJson::parse(text.to_owned()).unwrap()).unwrap();
            Call::new("resources/read").with_params(params)
        };
        let mut meta = list();
        meta.meta.insert("com.example/tenant", RawJson::encode("a").unwrap());
        let questions = [
            list(),
            meta,
            call("tools/list", json!({"cursor": "2"})),
            call("prompts/list", json!({"cursor": "2"})),
            call("resources/list", json!({})),
            call("resources/templates/list", json!({})),
            call("server/discover", json!({})),
            read("a:b"),
            read("a:B"),
            params(r#"{"uri":"a:b","n":1}"#),
            params(r#"{"uri":"a:b","n":1.0}"#),
        ];
        for question in &questions {
            assert!(cached.asks(question.clone(), &fresh()).await, "{question:?}");
        }
        for question in questions {
            assert!(!cached.asks(question, &fresh()).await);
        }
        let mut traced = list();
        traced.meta.insert(keys::TRACEPARENT, RawJson::encode("00-1-2-00").unwrap());
        assert!(!cached.asks(traced, &fresh()).await);
        assert!(!cached.asks(params(r#"{ "n":1, "uri":"\u0061:b" }"#), &fresh()).await);
    })
    .await;
}

// spec: CACHE-02 CACHE-03 CACHE-05 CACHE-16 MRTR-12
// seed: 43
#[tokio::test(start_paused = true)]
async fn what_may_not_be_kept_is_not() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let contents = |more: Value| {
            let mut result = fresh();
            result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            result
        };
        for (call, result) in [
            (list(), json!({"tools": []})),
            (list(), contents(json!({"ttlMs": 0}))),
            (list(), contents(json!({"ttlMs": -1}))),
            (read("a:b"), contents(json!({"resultType": "input_required", "requestState": "s"}))),
            (call("resources/read", json!({"uri": "a:b", "requestState": "s"})), fresh()),
            (call("resources/read", json!({"uri": "a:b", "inputResponses": {}})), fresh()),
            (call("tools/call", json!({"name": "t"})), fresh()),
            (call("prompts/get", json!({"name": "t"})), fresh()),
        ] {
            for _ in 0..2 {
                assert!(cached.asks(call.clone(), &result).await, "{call:?}");
            }
        }
    })
    .await;
}

// spec: CACHE-10 TRUST-02
// seed: 43
#[tokio::test(start_paused = true)]
async fn private_replies_stay_with_whom_they_are_for() {
    deadline(async {
        for (scope, shared) in
            [(json!("public"), true), (json!("private"), false), (json!("x"), false)]
        {
            let mut cached = cached(ReuseOptions::default());
            let result = json!({"contents": [], "ttlMs": 1000, "cacheScope": scope});
            let as_alice = read("a:b").with_extension(context("alice"));
            assert!(cached.asks(as_alice.clone(), &result).await);
            assert!(!cached.asks(as_alice, &result).await);
            let as_bob = read("a:b").with_extension(context("bob"));
            assert_eq!(cached.asks(as_bob, &result).await, !shared, "{scope}");
            assert_eq!(cached.asks(read("a:b"), &result).await, !shared, "{scope}");
        }
        assert!(!format!("{:?}", context("secret")).contains("secret"));
    })
    .await;
}

// spec: CACHE-15
#[tokio::test(start_paused = true)]
async fn one_private_page_makes_the_whole_list_private() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let private = json!({"tools": [], "ttlMs": 1000, "cacheScope": "private"});
        let page = |cursor: &str, who: &str| {
            call("tools/list", json!({"cursor": cursor})).with_extension(context(who))
        };
        assert!(cached.asks(page("1", "alice"), &fresh()).await);
        assert!(!cached.asks(page("1", "bob"), &fresh()).await);
        assert!(cached.asks(page("2", "alice"), &private).await);
        assert!(cached.asks(page("1", "bob"), &fresh()).await, "hidden since");
        assert!(cached.asks(page("1", "alice"), &fresh()).await, "bob's is his own");
    })
    .await;
}

fn notification(method: &str, params: Value) -> Event {
    let params = RawJson::encode(&params).unwrap();
    Event::Notification(Notification::new(method.to_owned()).with_params(params))
}

// spec: CACHE-11
// seed: 43
#[tokio::test(start_paused = true)]
async fn a_notification_drops_what_it_is_about_at_once() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let listen = cached.service.call(Call::new("subscriptions/listen"));
        let listening = taken(&mut cached.mock, listen).await;
        let updated =
            |uri: &str| notification("notifications/resources/updated", json!({"uri": uri}));
        for (event, dropped) in [
            (notification("notifications/tools/list_changed", json!({})), vec!["tools/list"]),
            (notification("notifications/prompts/list_changed", json!({})), vec!["prompts/list"]),
            (
                notification("notifications/resources/list_changed", json!({})),
                vec!["resources/list", "resources/templates/list"],
            ),
            (updated("a:b"), vec!["a:b"]),
            (notification("notifications/resources/updated", json!({})), vec!["a:b", "a:c"]),
            (notification("notifications/message", json!({})), vec![]),
        ] {
            let questions = || {
                let lists =
                    ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];
                let lists = lists.into_iter().map(|method| (method, Call::new(method)));
                lists.chain([("a:b", read("a:b")), ("a:c", read("a:c"))])
            };
            for (_, question) in questions() {
                cached.asks(question, &fresh()).await;
            }
            listening.events.emit(&event).await;
            for (name, question) in questions() {
                let asked = cached.asks(question, &fresh()).await;
                assert_eq!(asked, dropped.contains(&name), "{name} after {event:?}");
            }
        }
    })
    .await;
}

/// Returns a call as received by the mock, which does not answer.
async fn taken(mock: &mut Mock, call: impl Future) -> Call {
    tokio::select! {
        _ = call => panic!("nobody has answered"),
        asked = mock.next_request() => asked.unwrap().0,
    }
}

// spec: CACHE-11
#[tokio::test(start_paused = true)]
async fn a_reply_that_was_asked_for_before_a_change_is_not_kept() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let early = cached.service.call(list());
        let (_, ()) = tokio::join!(early, async {
            let (_, respond) = cached.mock.next_request().await.unwrap();
            cached.layer.cache().invalidate_all();
            respond.send_response(reply(fresh()));
        });
        assert!(cached.asks(list(), &fresh()).await);
        assert!(!cached.asks(list(), &fresh()).await);
    })
    .await;
}

// spec: CACHE-12 CACHE-14
#[tokio::test(start_paused = true)]
async fn a_refused_cursor_drops_all_pages_of_its_list() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        assert!(cached.asks(list(), &fresh()).await);
        assert!(cached.asks(call("prompts/list", json!({})), &fresh()).await);
        let page = call("tools/list", json!({"cursor": "old"}));
        let (outcome, _) = cached.ask(page, Err(refusal(-32602).into())).await;
        assert!(outcome.is_err());
        assert!(cached.asks(list(), &fresh()).await);
        assert!(!cached.asks(call("prompts/list", json!({})), &fresh()).await);
    })
    .await;
}

// spec: CACHE-09
#[tokio::test(start_paused = true)]
async fn a_stale_reply_stands_in_only_if_allowed_and_the_server_cannot_be_reached() {
    deadline(async {
        let lost = || mcp_transport::Error::closed("gone", Delivery::Unknown);
        let forbidden = || {
            let error = mcp_transport::Error::other("refused", Delivery::Delivered);
            error.with_status(http::StatusCode::FORBIDDEN)
        };
        let mut options = ReuseOptions::default();
        for (grace, error, stands_in) in [
            (0, BoxError::from(lost()), false),
            (60, lost().into(), true),
            (60, forbidden().into(), false),
            (60, refusal(-32603).into(), false),
        ] {
            options.stale_if_error = Duration::from_secs(grace);
            let mut cached = cached(options);
            assert!(cached.asks(list(), &fresh()).await);
            pass(1500).await;
            let (outcome, asked) = cached.ask(list(), Err(error)).await;
            assert!(asked, "what is stale is never used without asking");
            assert_eq!(outcome.is_ok(), stands_in);
            if let Ok(reply) = outcome {
                assert!(reply.extensions.get::<Reused>().unwrap().is_stale);
            }
            pass(60_000).await;
            assert!(cached.ask(list(), Err(lost().into())).await.0.is_err());
        }
    })
    .await;
}

// seed: 43
#[tokio::test(start_paused = true)]
async fn a_call_can_refresh_what_is_kept_or_leave_it_alone() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let named =
            |name: &str| json!({"tools": [{"name": name}], "ttlMs": 1000, "cacheScope": "public"});
        assert!(cached.asks(list(), &named("one")).await);
        assert!(cached.asks(list().with_extension(Reuse::Bypass), &named("two")).await);
        let (kept, _) = cached.ask(list(), Ok(Value::Null)).await;
        assert_eq!(kept.unwrap().decode::<Value>().unwrap(), named("one"));
        assert!(cached.asks(list().with_extension(Reuse::Refresh), &named("three")).await);
        let (kept, _) = cached.ask(list(), Ok(Value::Null)).await;
        assert_eq!(kept.unwrap().decode::<Value>().unwrap(), named("three"));
    })
    .await;
}

// spec: CACHE-05
#[tokio::test(start_paused = true)]
async fn nothing_is_fresh_for_longer_than_a_day_and_the_store_has_a_limit() {
    deadline(async {
        let mut cached = cached(ReuseOptions::default());
        let long = json!({"tools": [], "ttlMs": u64::MAX, "cacheScope": "public"});
        assert!(cached.asks(list(), &long).await);
        pass(24 * 60 * 60 * 1000).await;
        assert!(cached.asks(list(), &long).await);

        let mut options = ReuseOptions::default();
        options.max_bytes = 1000;
        let mut cached = self::cached(options);
        let big = json!({"tools": ["x".repeat(1000)], "ttlMs": 1000, "cacheScope": "public"});
        assert!(cached.asks(list(), &big).await);
        assert!(cached.asks(list(), &big).await, "it does not fit");
    })
    .await;
}

// spec: CACHE-02 MRTR-12
#[tokio::test(start_paused = true)]
async fn in_a_session_a_list_is_asked_for_once_and_what_took_input_each_time() {
    deadline(async {
        let script = Script::new(Binding::ByteStream, |_, request| {
            let params = request.params.as_ref().map(ToString::to_string).unwrap_or_default();
            match &*request.method {
                "server/discover" => discovered(&["2026-07-28"]),
                "resources/read" if !params.contains("requestState") => {
                    Answer::Result(json!({"resultType": "input_required", "requestState": "s"}))
                }
                _ => Answer::Result(fresh()),
            }
        });
        let mut options = Options::default();
        options.reuse = Some(ReuseOptions::default());
        let session = script.connect(options).await.unwrap();
        for _ in 0..2 {
            session.call_raw(list()).await.unwrap();
            session.call_raw(read("a:b")).await.unwrap();
        }
        let count = |method: &str| script.methods().iter().filter(|m| m.ends_with(method)).count();
        assert_eq!((count("tools/list"), count("resources/read")), (1, 4));
    })
    .await;
}
