//! Following `input_required` results: answers the questions and sends the call again.

use crate::{
    BoxCallService, Call, CallService, Deadlines, Error, InputHandler, Misbehavior, Params, Peer,
    Reply,
    followed::{self, Again, Budget, Ended, Follow, Followed, Outcome},
    input::{Asker, Questions},
    member::optional,
    result_type::{is_complete, result_type},
};
use futures_util::future::BoxFuture;
use mcp_transport::BoxError;
use mcp_types::RawJson;
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower_layer::Layer;
use tower_service::Service;

/// The type of a result that asks for input.
const INPUT_REQUIRED: &str = "input_required";

/// The default for how often a server may ask for input during one call.
pub const DEFAULT_ROUNDS: usize = 10;

/// An extension of a reply which needed input of the client: it must not be reused for other calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a mark has no more to say")]
pub struct InputGiven;

/// Answers the questions of a stateless server, and sends the call again with the answers.
///
/// On the wire: after a result `input_required`, the same request with a new id, with `inputResponses` for every key of
/// `inputRequests`, and with `requestState` exactly as it came. All questions of a round are answered concurrently,
/// through the same [`InputHandler`] that answers the requests of legacy servers. It sits outside the deadline, so that
/// the time of a person does not count: all rounds of a call share the total limit of the server.
///
/// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr).
///
/// # Cancel safety
///
/// Dropping the call drops its handlers or its request, whichever is in progress.
#[derive(Clone)]
pub struct FollowInput<S> {
    inner: S,
    /// Repeats a call.
    again: Arc<Again<FollowInputLayer>>,
}

/// Makes [`FollowInput`] services.
#[derive(Clone)]
pub struct FollowInputLayer {
    handler: Arc<dyn InputHandler>,
    rounds: usize,
    peer: Option<Peer>,
    deadlines: Deadlines,
}

impl FollowInputLayer {
    /// Answers through `handler`, at most `rounds` times per call.
    ///
    /// Answers are sent unchecked; wrap the handler in [`CheckInput`](crate::CheckInput) to check them.
    pub fn new(handler: Arc<dyn InputHandler>, rounds: usize) -> Self {
        Self { handler, rounds, peer: None, deadlines: Deadlines::NONE }
    }

    /// Tells the handler who asks.
    #[must_use]
    pub fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Sets the limits of calls without limits of their own: those of the deadline inside. Default: none.
    #[must_use]
    pub fn with_deadlines(self, deadlines: Deadlines) -> Self {
        Self { deadlines, ..self }
    }

    fn asker(&self, call: &Call) -> Asker {
        let asker = self.peer.as_ref().map(Peer::asker).unwrap_or_default();
        asker.about(call.method.clone(), call.params.clone())
    }
}

impl<S: CallService> Layer<S> for FollowInputLayer {
    type Service = FollowInput<S>;

    fn layer(&self, inner: S) -> FollowInput<S> {
        FollowInput { again: Again::new(inner.clone(), self), inner }
    }
}

impl<S: CallService> Service<Call> for FollowInput<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Followed<S::Future, FollowInputLayer>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        followed::send(&mut self.inner, call, &self.again)
    }
}

impl Follow for FollowInputLayer {
    fn deadlines(&self) -> Deadlines {
        self.deadlines
    }

    #[inline]
    fn follows(&self, _: &str, outcome: &Outcome) -> bool {
        let Ok(reply) = outcome else { return false };
        // A type that cannot be decoded is examined again, to report the error.
        !is_complete(&reply.result)
            && result_type(&reply.result).map_or(true, |kind| kind == INPUT_REQUIRED)
    }

    fn follow(again: Arc<Again<Self>>, ended: Ended) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let Ended { call, outcome, budget } = ended;
            let asked = InputRequired::read(&call, &outcome?)?;
            again.layer.answer(again.service.clone(), call, asked, budget).await
        })
    }
}

impl FollowInputLayer {
    /// Provides the requested input and sends the call again with it.
    // spec: MRTR-10
    async fn answer(
        &self,
        mut inner: BoxCallService,
        mut call: Call,
        mut asked: Option<InputRequired>,
        mut budget: Budget,
    ) -> Outcome {
        for round in 0..self.rounds {
            // Ask nobody if the call cannot be sent again in time.
            budget.left(&call.method)?;
            if let Some(asked) = asked {
                call.params = asked.answer(self, &call, round, &mut budget).await?;
            }
            std::future::poll_fn(|cx| inner.poll_ready(cx)).await?;
            let reply = inner.call(budget.limit(call.clone())?).await;
            let mut reply = reply.map_err(|error| budget.explain(error))?;
            asked = InputRequired::read(&call, &reply)?;
            if asked.is_none() {
                reply.extensions.insert(InputGiven);
                return Ok(reply);
            }
        }
        let reason = format!("the server asked more than {} times", self.rounds);
        Err(input_error(&call, reason).into())
    }
}

/// The content of an `input_required` result.
struct InputRequired {
    questions: Option<Questions>,
    state: Option<RawJson>,
}

impl InputRequired {
    /// Decodes a reply that asks for input; `None` if it does not.
    // spec: MSG-14 MRTR-09
    fn read(call: &Call, reply: &Reply) -> Result<Option<Self>, Error> {
        let broken = |misbehavior| Error::misbehaved(&call.method, misbehavior);
        let kind = result_type(&reply.result).map_err(|_| broken(Misbehavior::InvalidResult))?;
        if kind != INPUT_REQUIRED {
            return Ok(None);
        }
        if !matches!(&*call.method, "tools/call" | "prompts/get" | "resources/read") {
            return Err(broken(Misbehavior::InputRequiredOnOtherMethod));
        }
        let asked = Self::decode(&reply.result).map_err(|source| Error::Misbehaved {
            method: (*call.method).into(),
            misbehavior: Misbehavior::InvalidResult,
            source: Some(source),
        })?;
        if asked.questions.is_none() && asked.state.is_none() {
            return Err(broken(Misbehavior::InputRequiredWithoutContent));
        }
        Ok(Some(asked))
    }

    fn decode(result: &RawJson) -> Result<Self, serde_json::Error> {
        Ok(Self { questions: Questions::of(result)?, state: optional(result, "requestState")? })
    }

    /// Answers every question and returns the parameters of the next round.
    // spec: MRTR-01 MRTR-03 MRTR-05 MRTR-08
    async fn answer(
        &self,
        layer: &FollowInputLayer,
        call: &Call,
        round: usize,
        budget: &mut Budget,
    ) -> Result<Params, Error> {
        let responses = match &self.questions {
            Some(questions) => {
                let (handler, asker) = (&*layer.handler, layer.asker(call));
                let answers = questions.answer(handler, &asker, &call.method);
                Some(budget.answering(answers).await?)
            }
            None => {
                // A server that only wants a retry must not be flooded.
                tokio::time::sleep(Duration::from_millis((50 << round.min(3)).min(250))).await;
                None
            }
        };
        let changes =
            [("inputResponses", responses.as_ref()), ("requestState", self.state.as_ref())];
        Ok(call.params.with_members(&changes)?)
    }
}

fn input_error(call: &Call, reason: String) -> Error {
    Error::InputRequired { method: (*call.method).into(), reason: reason.into() }
}

impl fmt::Debug for FollowInputLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowInputLayer").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug> fmt::Debug for FollowInput<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowInput").field("inner", &self.inner).finish_non_exhaustive()
    }
}
