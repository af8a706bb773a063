//! The program driven by the official conformance suite: `cargo xtask conformance`.
//!
//! The suite starts it once for each scenario, with the URL of its server as the last argument. The library does what
//! is tested; this does what a host does: it answers forms, and decides which tools to call.
#![expect(clippy::print_stderr, reason = "a command-line program")]

use std::{
    env,
    error::Error,
    future::ready,
    process::{ExitCode, exit},
    thread,
    time::Duration,
};

use conformance::oauth::redirect_of;
use mcp_client::{
    Client, ClientBuilder, Connection, Handlers, Mode, Question, Roots, elicit,
    types::{
        CreateMessageRequest, CreateMessageResult, ElicitRequestFormParams, ElicitResult,
        ErrorCode, ErrorObject, ProtocolVersion, Tool,
    },
};
use mcp_transport::http::{
    Endpoint,
    oauth::{ClientCredentials, EnterpriseManaged, JwtBearer, OAuth, ReceiverFn, SigningKey},
};
use serde_json::{Value, json};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Longer than the suite waits, so that it sees the timeout, but short enough that nothing is left behind.
const LIMIT: Duration = Duration::from_secs(25);

/// The document that describes this client, as far as the suite is concerned.
const CLIENT_METADATA: &str = "https://conformance-test.local/client-metadata.json";

/// The parameters of a run.
struct Run {
    scenario: String,
    revision: ProtocolVersion,
    context: Value,
    url: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!("gave up after {LIMIT:?}");
        exit(1);
    });
    let outcome = match Run::read() {
        Ok(run) => run.play().await,
        Err(error) => Err(error),
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let mut cause = Some(&*error as &dyn Error);
    while let Some(error) = cause {
        eprintln!("{error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

impl Run {
    fn read() -> Outcome<Self> {
        let revision = env::var("MCP_CONFORMANCE_PROTOCOL_VERSION")?;
        let context = env::var("MCP_CONFORMANCE_CONTEXT");
        Ok(Self {
            scenario: env::var("MCP_CONFORMANCE_SCENARIO")?,
            revision: serde_json::from_value(revision.into())?,
            context: context.map_or(Ok(Value::Null), |text| serde_json::from_str(&text))?,
            url: env::args().next_back().ok_or("the URL of the server is missing")?,
        })
    }

    async fn play(&self) -> Outcome {
        match &*self.scenario {
            "initialize" => self.only_connect().await,
            "tools_call" => self.call("add_numbers", json!({"a": 5, "b": 3})).await,
            "elicitation-sep1034-client-defaults" => self.accept_defaults().await,
            "sse-retry" => self.call("test_reconnection", json!({})).await,
            "request-metadata" | "json-schema-ref-no-deref" => self.only_list().await,
            "sep-2322-client-request-state" => self.confirm().await,
            "http-standard-headers" => self.use_everything().await,
            "http-custom-headers" => self.make_calls_of_context().await,
            "http-invalid-tool-headers" => self.call_what_is_left().await,
            "json-schema-2020-12-preservation" => self.send_a_schema_back().await,
            "sep-2640-client-no-prefetch" => self.list_skills().await,
            name if name.starts_with("sep-2640-") => self.load_skills().await,
            name if name.starts_with("auth/") => self.log_in().await,
            name => Err(format!("no such scenario: {name}").into()),
        }
    }

    /// The library detects the era, except where a server supports both and the suite wants the older one.
    fn client(&self) -> ClientBuilder {
        let speaks_both = self.scenario.starts_with("sep-2640-");
        let wants_legacy = speaks_both && !self.revision.is_modern();
        Client::builder(&*self.url).mode(if wants_legacy { Mode::Legacy } else { Mode::Auto })
    }

    async fn connect(&self) -> Outcome<Connection> {
        Ok(self.client().build().connect().await?)
    }

    async fn only_connect(&self) -> Outcome {
        close(self.connect().await?).await
    }

    /// Declares all capabilities, and requests as much as is needed to show them.
    async fn only_list(&self) -> Outcome {
        let handlers = Handlers::new().on_elicit_form(defaults).on_sample(refuse);
        let client = self.client().input(handlers.roots(Roots::folders(["/srv"])?));
        let client = client.build().connect().await?;
        client.list_tools().await?;
        close(client).await
    }

    async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        let client = self.connect().await?;
        find(&client.list_tools().await?, tool)?;
        client.call_tool(tool).arguments(arguments).require_success().await?;
        close(client).await
    }

    /// Uses a server that requires a login, as the host of one user would.
    async fn log_in(&self) -> Outcome {
        let endpoint = Endpoint::parse(&self.url)?.oauth(self.oauth()?);
        let client = Client::builder(endpoint).build().connect().await?;
        find(&client.list_tools().await?, "test-tool")?;
        client.call_tool("test-tool").require_success().await?;
        close(client).await
    }

    /// What a host knows about itself and the server, as given by the suite.
    fn oauth(&self) -> Outcome<OAuth> {
        let browser = ReceiverFn::new("http://127.0.0.1:8765/callback", |request| async move {
            redirect_of(request.url.as_str()).await
        });
        let mut oauth =
            OAuth::new("Conformance").client_metadata_url(CLIENT_METADATA).receiver(browser);
        let known = |name: &str| self.context[name].as_str();
        if let Some(client_id) = known("client_id") {
            oauth = oauth.client_id(client_id);
        }
        if let Some(secret) = known("client_secret") {
            oauth = oauth.client_secret(secret);
        }
        if let Some(issuer) = known("issuer") {
            oauth = oauth.issuer(issuer);
        }
        if let Some(pem) = known("private_key_pem") {
            oauth = oauth.assert_client(SigningKey::from_pem(pem.as_bytes())?);
        }
        if self.scenario.starts_with("auth/client-credentials") {
            oauth = oauth.grant(ClientCredentials);
        }
        if let Some(assertion) = known("valid_jwt") {
            oauth = oauth.grant(JwtBearer::new(assertion));
        }
        if let (Some(endpoint), Some(client), Some(token)) =
            (known("idp_token_endpoint"), known("idp_client_id"), known("idp_id_token"))
        {
            let token = token.to_owned();
            let id_token = move |_| ready(Ok(token.as_str().into()));
            oauth = oauth.grant(EnterpriseManaged::new(endpoint.parse()?, client, id_token)?);
        }
        let is_first = self.revision == ProtocolVersion::V2025_03_26;
        Ok(if is_first { oauth.default_endpoints() } else { oauth })
    }

    async fn accept_defaults(&self) -> Outcome {
        let client = self.client().input(Handlers::new().on_elicit_form(defaults));
        let client = client.build().connect().await?;
        client.list_tools().await?;
        client.call_tool("test_client_elicitation_defaults").require_success().await?;
        close(client).await
    }

    /// Confirms what tools ask during a call.
    async fn confirm(&self) -> Outcome {
        let yes = async |_| elicit::accept(json!({"confirmed": true}));
        let client = self.client().input(Handlers::new().on_elicit_form(yes));
        let client = client.build().connect().await?;
        for tool in client.list_tools().await? {
            client.call_tool(tool.name).require_success().await?;
        }
        close(client).await
    }

    async fn use_everything(&self) -> Outcome {
        let client = self.connect().await?;
        for tool in client.list_tools().await? {
            client.call_tool(tool.name).await?;
        }
        for resource in client.list_resources().await? {
            client.read_resource(resource.uri).await?;
        }
        for prompt in client.list_prompts().await? {
            client.get_prompt(prompt.name).await?;
        }
        close(client).await
    }

    async fn make_calls_of_context(&self) -> Outcome {
        let calls = self.context["toolCalls"].as_array().ok_or("the context has no calls")?;
        let client = self.connect().await?;
        let tools = client.list_tools().await?;
        for call in calls {
            let name = call["name"].as_str().ok_or("a call of the context has no name")?;
            find(&tools, name)?;
            client.call_tool(name).arguments(&call["arguments"]).require_success().await?;
        }
        close(client).await
    }

    async fn call_what_is_left(&self) -> Outcome {
        let client = self.connect().await?;
        for tool in client.list_tools().await? {
            client.call_tool(tool.name).argument("region", "us-west1").require_success().await?;
        }
        close(client).await
    }

    async fn send_a_schema_back(&self) -> Outcome {
        let client = self.connect().await?;
        let tools = client.list_tools().await?;
        let schema = &find(&tools, "json_schema_2020_12_tool")?.input_schema;
        client.call_tool("json_schema_echo").argument("schema", schema).require_success().await?;
        close(client).await
    }

    async fn list_skills(&self) -> Outcome {
        let client = self.connect().await?;
        client.list_skills().await?;
        close(client).await
    }

    /// Loads all skills and reads all their files, up to the first that is not as it should be.
    async fn load_skills(&self) -> Outcome {
        let client = self.connect().await?;
        for entry in client.list_skills().await? {
            let skill = client.load_skill(&entry).await?;
            for file in entry.files().unwrap_or_default() {
                skill.read(file.uri()).await?;
            }
        }
        close(client).await
    }
}

/// A user who accepts a form as it is: the library fills in the defaults.
async fn defaults(_: Question<ElicitRequestFormParams>) -> Result<ElicitResult, ErrorObject> {
    elicit::accept(json!({}))
}

/// A language model that is not available.
async fn refuse(_: Question<CreateMessageRequest>) -> Result<CreateMessageResult, ErrorObject> {
    Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, "there is no model"))
}

fn find<'a>(tools: &'a [Tool], name: &str) -> Outcome<&'a Tool> {
    let tool = tools.iter().find(|tool| tool.name == name);
    tool.ok_or_else(|| format!("the server does not list a tool {name:?}").into())
}

async fn close(client: Connection) -> Outcome {
    client.close().await;
    Ok(())
}
