//! List calls, page by page or all at once.

use crate::{
    Client, Deadlines, Error, Phase,
    offer::Offer,
    operation::{self, Caller, Operation},
    pages::{Limits, Pages, Size},
};
use futures_core::Stream;
use futures_util::{TryStreamExt, future::BoxFuture, stream};
use mcp_session::{InvalidParams, Params, Reply};
use mcp_types::{
    BrokenItem, ErrorCode, List, ListPromptsRequest, ListPromptsResult,
    ListResourceTemplatesRequest, ListResourceTemplatesResult, ListResourcesRequest,
    ListResourcesResult, ListToolsRequest, ListToolsResult, Prompt, Request, Resource,
    ResourceTemplate, Tool,
};
use std::{fmt, future::IntoFuture, marker::PhantomData, time::Duration};
use tokio::time::Instant;

/// The longest time that a list counts as fresh, whatever the server says.
const MAX_FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// A request for one page of a list.
///
/// Implement it for the lists of an extension, to read them with [`Client::list`].
pub trait ListRequest: Request<Result: Send> + Send + Sync + 'static {
    /// What is listed.
    type Item: Send + 'static;

    /// Asks for the page that begins at a cursor, or for the first.
    fn at(cursor: Option<String>) -> Self;

    /// The items of a page, and the cursor of the next one.
    fn page(result: Self::Result) -> (List<Self::Item>, Option<String>);

    /// For how long the server says that a page is good; `None` if it says nothing. Default: nothing.
    fn fresh_for(_: &Self::Result) -> Option<Duration> {
        None
    }
}

/// Implements [`ListRequest`].
macro_rules! list_request {
    ($($request:ident -> $result:ident.$items:ident: $item:ty;)+) => {$(
        impl ListRequest for $request {
            type Item = $item;

            fn at(cursor: Option<String>) -> Self {
                let mut request = Self::new();
                request.cursor = cursor;
                request
            }

            fn page(result: $result) -> (List<$item>, Option<String>) {
                (result.$items, result.next_cursor)
            }

            // spec: CACHE-05
            fn fresh_for(result: &$result) -> Option<Duration> {
                result.ttl_ms.map(|millis| Duration::from_millis(millis.try_into().unwrap_or(0)))
            }
        }
    )+};
}

list_request! {
    ListPromptsRequest -> ListPromptsResult.prompts: Prompt;
    ListResourceTemplatesRequest -> ListResourceTemplatesResult.resource_templates: ResourceTemplate;
    ListResourcesRequest -> ListResourcesResult.resources: Resource;
    ListToolsRequest -> ListToolsResult.tools: Tool;
}

/// A list that has not been read yet, made by [`Client::list`] and similar methods. Awaiting it gives the items of all
/// pages.
pub struct ListAll<R> {
    limits: Limits,
    request: PhantomData<fn() -> R>,
}

/// A page that has not been read yet, made by [`Client::list_tools_page`] and similar methods. Awaiting it gives the
/// result of the protocol.
pub struct ListPage<R> {
    cursor: Option<String>,
    request: PhantomData<fn() -> R>,
}

impl Client {
    /// Lists the tools of the server, page after page.
    ///
    /// ```
    /// # use mcp_client::{Client, mock};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mcp_client::Error> {
    /// # let server = mock::Server::new().tool("weather", |_| Ok("rain".into()));
    /// # let client = Client::connect_to(&server).await?;
    /// # assert_eq!(client.list_tools().await?.len(), 1);
    /// for tool in client.list_tools().await? {
    ///     println!("{}", tool.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/tools#listing-tools).
    pub fn list_tools(&self) -> Operation<ListAll<ListToolsRequest>> {
        self.list().needs(ListToolsRequest::METHOD, Offer::Tools)
    }

    /// Reads one page of the tools of the server: the first, or the one at a cursor.
    pub fn list_tools_page(&self, cursor: Option<String>) -> Operation<ListPage<ListToolsRequest>> {
        self.list_page(cursor).needs(ListToolsRequest::METHOD, Offer::Tools)
    }

    /// Lists the resources of the server, page after page.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#listing-resources).
    pub fn list_resources(&self) -> Operation<ListAll<ListResourcesRequest>> {
        self.list().needs(ListResourcesRequest::METHOD, Offer::Resources)
    }

    /// Reads one page of the resources of the server: the first, or the one at a cursor.
    pub fn list_resources_page(
        &self,
        cursor: Option<String>,
    ) -> Operation<ListPage<ListResourcesRequest>> {
        self.list_page(cursor).needs(ListResourcesRequest::METHOD, Offer::Resources)
    }

    /// Lists the resource templates of the server, page after page.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/resources#resource-templates).
    pub fn list_resource_templates(&self) -> Operation<ListAll<ListResourceTemplatesRequest>> {
        self.list().needs(ListResourceTemplatesRequest::METHOD, Offer::Resources)
    }

    /// Reads one page of the resource templates of the server: the first, or the one at a cursor.
    pub fn list_resource_templates_page(
        &self,
        cursor: Option<String>,
    ) -> Operation<ListPage<ListResourceTemplatesRequest>> {
        self.list_page(cursor).needs(ListResourceTemplatesRequest::METHOD, Offer::Resources)
    }

    /// Lists the prompts of the server, page after page.
    ///
    /// See [the clause](https://modelcontextprotocol.io/specification/2026-07-28/server/prompts#listing-prompts).
    pub fn list_prompts(&self) -> Operation<ListAll<ListPromptsRequest>> {
        self.list().needs(ListPromptsRequest::METHOD, Offer::Prompts)
    }

    /// Reads one page of the prompts of the server: the first, or the one at a cursor.
    pub fn list_prompts_page(
        &self,
        cursor: Option<String>,
    ) -> Operation<ListPage<ListPromptsRequest>> {
        self.list_page(cursor).needs(ListPromptsRequest::METHOD, Offer::Prompts)
    }

    /// Reads any list, page after page.
    pub fn list<R: ListRequest>(&self) -> Operation<ListAll<R>> {
        operation::begin(self, ListAll { limits: Limits::default(), request: PhantomData })
    }

    /// Reads one page of any list: the first, or the one at a cursor.
    pub fn list_page<R: ListRequest>(&self, cursor: Option<String>) -> Operation<ListPage<R>> {
        operation::begin(self, ListPage { cursor, request: PhantomData })
    }
}

/// A list is all or nothing: what cannot be read to its end is an error. Items that cannot be read are left out, with a
/// warning.
// spec: PAG-01 PAG-02 PAG-03 PAG-07 PAG-08
impl<R: ListRequest> Operation<ListAll<R>> {
    /// Fails if the list has more pages than this. Default: 1,000.
    pub fn max_pages(mut self, limit: usize) -> Self {
        self.kind_mut().limits.pages = limit;
        self
    }

    /// Fails if the list has more items than this. Default: 100,000.
    pub fn max_items(mut self, limit: usize) -> Self {
        self.kind_mut().limits.items = limit;
        self
    }

    /// Fails if the results have more bytes than this in total. Default: 256 MiB.
    pub fn max_bytes(mut self, limit: usize) -> Self {
        self.kind_mut().limits.bytes = limit;
        self
    }

    /// Streams the items; each page is fetched when the one before has been consumed. An error is the last item.
    ///
    /// # Cancel safety
    ///
    /// Dropping the stream cancels the request in flight.
    pub fn stream(self) -> impl Stream<Item = Result<R::Item, Error>> + Send + use<R> {
        let (caller, ListAll { limits, .. }) = self.into_parts();
        let walk = Walk::new(caller, limits);
        stream::try_unfold(walk, async |mut walk| {
            let mut page = Items::<R>::default();
            let is_there = walk.next(PageRequest::of::<R>(), &mut page).await?;
            Ok::<_, Error>(is_there.then(|| (stream::iter(page.0.into_iter().map(Ok)), walk)))
        })
        .try_flatten()
    }
}

impl<R: ListRequest> IntoFuture for Operation<ListAll<R>> {
    type Output = Result<Vec<R::Item>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (caller, ListAll { limits, .. }) = self.into_parts();
            Ok(read_all::<R>(caller?, limits).await?.items)
        })
    }
}

/// A completely read list.
pub(crate) struct Listing<T> {
    pub(crate) items: Vec<T>,
    /// When the first of its pages becomes stale, if the server gave a time for each.
    pub(crate) fresh_until: Option<Instant>,
}

/// Reads a list from beginning to end.
// spec: CACHE-13
pub(crate) async fn read_all<R: ListRequest>(
    caller: Caller,
    limits: Limits,
) -> Result<Listing<R::Item>, Error> {
    let mut items = Items::<R>::default();
    let fresh_until = read_pages(caller, limits, PageRequest::of::<R>(), &mut items).await?;
    Ok(Listing { items: items.0, fresh_until })
}

/// Passes on all pages of a list, and returns until when all of them are fresh.
pub(crate) fn read_pages<'a>(
    caller: Caller,
    limits: Limits,
    request: PageRequest,
    pages: &'a mut dyn TakePage,
) -> BoxFuture<'a, Result<Option<Instant>, Error>> {
    Box::pin(async move {
        let mut walk = Walk::new(Ok(caller), limits);
        while walk.next(request, pages).await? {}
        Ok(walk.fresh_until)
    })
}

/// Takes the pages of a list as they arrive, so that the reading is compiled once for all lists.
pub(crate) trait TakePage: Send {
    fn take(&mut self, reply: Reply) -> Result<Page, Error>;
}

/// What a page says about itself.
pub(crate) struct Page {
    /// Includes malformed items.
    size: Size,
    next: Option<String>,
    fresh_for: Option<Duration>,
}

/// The items of the pages received.
pub(crate) struct Items<R: ListRequest>(pub(crate) Vec<R::Item>);

impl<R: ListRequest> Default for Items<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: ListRequest> TakePage for Items<R> {
    fn take(&mut self, reply: Reply) -> Result<Page, Error> {
        let bytes = reply.result.size();
        let result: R::Result = operation::decode(R::METHOD, reply)?;
        let fresh_for = R::fresh_for(&result);
        let (items, next) = R::page(result);
        warn_of_broken(R::METHOD, items.broken());
        let size = Size { items: items.len() + items.broken().len(), bytes };
        self.0.extend(items);
        Ok(Page { size, next, fresh_for })
    }
}

impl<R: ListRequest> IntoFuture for Operation<ListPage<R>> {
    type Output = Result<R::Result, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.start(async |caller: Caller, ListPage { cursor, .. }| {
            let reply = fetch(caller, PageRequest::of::<R>(), cursor).await?;
            operation::decode(R::METHOD, reply)
        })
    }
}

/// How the pages of a list are requested.
#[derive(Clone, Copy)]
pub(crate) struct PageRequest {
    method: &'static str,
    /// Encodes the parameters for the page at a cursor.
    at: fn(Option<String>) -> Result<Params, InvalidParams>,
}

impl PageRequest {
    pub(crate) fn of<R: ListRequest>() -> Self {
        Self { method: R::METHOD, at: |cursor| Params::encode(&R::at(cursor)) }
    }

    pub(crate) fn method(self) -> &'static str {
        self.method
    }
}

/// Fetches one page.
fn fetch(
    caller: Caller,
    PageRequest { method, at }: PageRequest,
    cursor: Option<String>,
) -> BoxFuture<'static, Result<Reply, Error>> {
    Box::pin(async move {
        let is_first = cursor.is_none();
        let reply = caller.call(method, at(cursor)?).await;
        let reply = reply.map_err(|error| match error {
            Error::Rpc { method, error }
                if !is_first && error.code == ErrorCode::INVALID_PARAMS =>
            {
                Error::InvalidCursor { method, error }
            }
            error => error,
        })?;
        if method == ListToolsRequest::METHOD {
            caller.known_tools().learn(&reply.result);
        }
        Ok(reply)
    })
}

/// A walk from page to page.
struct Walk {
    caller: Option<Result<Caller, Error>>,
    pages: Pages,
    next: Option<String>,
    /// When the time for all pages is up, and how much there was.
    end: Option<(Instant, Duration)>,
    /// Until when all pages so far are fresh, if the server gave a time for each.
    fresh_until: Option<Instant>,
}

impl Walk {
    fn new(caller: Result<Caller, Error>, limits: Limits) -> Self {
        Self {
            // A cursor is only valid within its session.
            caller: Some(caller.map(Caller::on_one_connection)),
            pages: Pages::new(limits),
            next: None,
            end: None,
            fresh_until: None,
        }
    }

    /// Returns the next page; `None` after the last one, or after an error.
    fn next<'a>(
        &'a mut self,
        request: PageRequest,
        pages: &'a mut dyn TakePage,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let Some(caller) = self.caller.take() else { return Ok(false) };
            let caller = caller?;
            let limits = caller.limits();
            let end_of = |total| Some((Instant::now().checked_add(total)?, total));
            self.end = self.end.or_else(|| limits.total.and_then(end_of));
            let asking = within(caller.clone(), limits, self.end);
            let reply = fetch(asking, request, self.next.take()).await;
            let page = pages.take(reply.map_err(|error| whole_time(error, self.end))?)?;
            self.turn(caller, request.method, page)?;
            Ok(true)
        })
    }

    /// Records a page, and moves to the next if there is one.
    fn turn(
        &mut self,
        caller: Caller,
        method: &'static str,
        Page { size, next, fresh_for }: Page,
    ) -> Result<(), Error> {
        let fresh_until = fresh_for.map(|time| Instant::now() + time.min(MAX_FRESH));
        self.fresh_until = match (self.fresh_until, fresh_until) {
            (_, page) if self.pages.is_first() => page,
            (before, page) => before.zip(page).map(|(before, page)| before.min(page)),
        };
        let next = self.pages.turn(size, next);
        self.next = next.map_err(|reason| Error::Endless { method: method.into(), reason })?;
        self.caller = self.next.is_some().then_some(Ok(caller));
        Ok(())
    }
}

/// Limits a page to the rest of the total time.
fn within(caller: Caller, limits: Deadlines, end: Option<(Instant, Duration)>) -> Caller {
    let Some((end, _)) = end else { return caller };
    let mut limits = limits;
    limits.total = Some(end.saturating_duration_since(Instant::now()));
    caller.with_limits(limits)
}

/// Rewrites the error of a page in terms of the whole list.
fn whole_time(mut error: Error, end: Option<(Instant, Duration)>) -> Error {
    if let (Error::Timeout { phase: Phase::Total, after, .. }, Some((_, total))) = (&mut error, end)
    {
        *after = total;
    }
    error
}

fn warn_of_broken(method: &str, broken: &[BrokenItem]) {
    for BrokenItem { index, reason, .. } in broken {
        tracing::warn!(method, index, reason, "left an item out that cannot be read");
    }
}

impl<R: Request> fmt::Debug for ListAll<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListAll").field(&R::METHOD).finish()
    }
}

impl<R: Request> fmt::Debug for ListPage<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ListPage").field(&R::METHOD).finish()
    }
}
