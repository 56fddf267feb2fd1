//! The schema registry, as daemons and the operator's command use it (Confluent's REST API, which Apicurio and
//! Karapace speak too).
//!
//! Daemons look schemas up and never register one; only the operator's command does. A registry that is down is told
//! apart from one that does not know the schema, because the first delays records and the second may condemn them.
//! It encodes and decodes nothing.

mod cache;
mod error;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apache_avro::Schema;
use reqwest::{Certificate, Client, StatusCode, Url};
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_subjects, get_schema_by_id, is_compatible_schema, perform_sr_call, post_schema,
};
use schema_registry_converter::schema_registry_common::{SchemaType, SrCall, SuppliedSchema};
use serde::{Deserialize, Serialize};

pub use error::RegistryError;

use cache::SchemaCache;

use crate::certificates::CertificateFile;
use crate::config::ConfigError;
use crate::secret::{self, Secret};

/// The `[registry]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// Where the registry's Confluent API begins, for example `https://registry.example/apis/ccompat/v7`.
    pub url: String,
    /// Certificates of the authorities that sign the registry's (PEM), besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Who logs in, where the registry asks for a name and a password.
    pub username: Option<String>,
    /// The password of `username`.
    pub password: Option<Secret>,
    /// A file that holds `password`.
    pub password_file: Option<PathBuf>,
    /// A bearer token (RFC 6750), instead of a name and a password.
    pub token: Option<Secret>,
    /// A file that holds `token`.
    pub token_file: Option<PathBuf>,
    /// How long to wait for an answer, in milliseconds. Default 5000.
    pub timeout_ms: u64,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            ca_file: None,
            username: None,
            password: None,
            password_file: None,
            token: None,
            token_file: None,
            timeout_ms: 5_000,
        }
    }
}

/// The registry's number for a schema: the four bytes in front of each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaId(pub u32);

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a registry answers, whatever it says: for whoever looks for what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The answer's HTTP status.
    pub status: u16,
    /// Its `Date` header (RFC 9110, section 6.6.1), as it came.
    pub date: Option<String>,
}

/// A registry's client. Clones share its connections and its cache of schemas.
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    settings: SrSettings,
    http: Client,
    login: Login,
    cache: SchemaCache,
}

enum Login {
    None,
    Basic { username: String, password: Option<Secret> },
    Bearer(Secret),
}

impl RegistryConfig {
    /// Whether these settings can be used. Does not connect.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.parsed_url()?;
        self.login()?;
        // Not built: that reads all of the system's certificates, and a start would wait for it twice.
        self.http_client().map(drop)
    }

    /// The file of certificates that it names, with what it is for.
    #[must_use]
    pub fn certificate_files(&self) -> [(CertificateFile, Option<PathBuf>); 1] {
        [(CertificateFile::RegistryCa, self.ca_file.clone())]
    }

    fn parsed_url(&self) -> Result<Url, ConfigError> {
        let refuse = |problem: &str| Err(ConfigError::field("registry.url", problem));
        let Ok(url) = Url::parse(&self.url) else {
            return refuse("is not a url: write it like https://host:port/apis/ccompat/v7");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("has to begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("holds a log-in, which would be shown: use registry.username and password_file");
        }
        Ok(url)
    }

    fn login(&self) -> Result<Login, ConfigError> {
        let file = self.token_file.as_deref();
        let token = secret::resolve("registry.token", self.token.as_ref(), file)?;
        let file = self.password_file.as_deref();
        let password = secret::resolve("registry.password", self.password.as_ref(), file)?;
        match (self.username.clone(), password, token) {
            (Some(_), _, Some(_)) => Err(ConfigError::field(
                "registry.token",
                "is set together with registry.username: keep one way",
            )),
            (None, Some(_), _) => {
                Err(ConfigError::field("registry.password", "is set without registry.username: set both"))
            }
            (None, None, Some(token)) => Ok(Login::Bearer(token)),
            (Some(username), password, None) => Ok(Login::Basic { username, password }),
            (None, None, None) => Ok(Login::None),
        }
    }

    /// Proxies named in the environment are passed over: a daemon goes where its configuration says.
    fn http_client(&self) -> Result<reqwest::ClientBuilder, ConfigError> {
        let builder = Client::builder()
            .no_proxy()
            .timeout(Duration::from_millis(self.timeout_ms))
            .user_agent(concat!("sanchar/", env!("CARGO_PKG_VERSION")));
        let Some(path) = &self.ca_file else { return Ok(builder) };
        let shown = path.display();
        let refuse = |error: &dyn fmt::Display| {
            ConfigError::field(
                "registry.ca_file",
                format!("cannot use {shown} ({error}): name a readable PEM file"),
            )
        };
        let pem = std::fs::read(path).map_err(|error| refuse(&error))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| refuse(&error))?;
        Ok(certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate))
    }
}

impl RegistryClient {
    /// A client for the registry that `config` names. Reads secret files now; does not connect.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn new(config: &RegistryConfig) -> Result<Self, ConfigError> {
        let url = config.parsed_url()?.as_str().trim_end_matches('/').to_owned();
        let login = config.login()?;
        let mut builder = SrSettings::new_builder(url.clone());
        match &login {
            Login::None => {}
            Login::Basic { username, password } => {
                builder.set_basic_authorization(username, password.as_ref().map(Secret::expose));
            }
            Login::Bearer(token) => {
                builder.set_token_authorization(token.expose());
            }
        }
        builder.set_timeout(Duration::from_millis(config.timeout_ms));
        let unusable = |error: &dyn fmt::Display| {
            ConfigError::field("registry", format!("cannot be used with these settings: {error}"))
        };
        let settings = builder.build_with(config.http_client()?).map_err(|error| unusable(&error.error))?;
        let http = config.http_client()?.build().map_err(|error| unusable(&error))?;
        Ok(Self { inner: Arc::new(Inner { url, settings, http, login, cache: SchemaCache::default() }) })
    }

    /// The schema that records with this id were written with. Only answers that were found are remembered, at most
    /// [`SchemaCache::CAPACITY`](cache::SchemaCache::CAPACITY) of them: the registry may learn an id a moment later.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] when the registry answers that it knows no such id, [`RegistryError::Invalid`] when
    /// what it gives is no Avro schema, [`RegistryError::Unavailable`] when it gives no usable answer.
    pub async fn schema_by_id(&self, id: SchemaId) -> Result<Arc<Schema>, RegistryError> {
        if let Some(schema) = self.inner.cache.get(id) {
            return Ok(schema);
        }
        let found = get_schema_by_id(id.0, &self.inner.settings)
            .await
            .map_err(|error| RegistryError::from_converter(&format!("schema id {id}"), &error))?;
        let invalid = |reason: String| RegistryError::Invalid { what: format!("schema id {id}"), reason };
        if found.schema_type != SchemaType::Avro || !found.references.is_empty() {
            return Err(invalid("only avro schemas without references are read".to_owned()));
        }
        let schema = Schema::parse_str(&found.schema).map_err(|error| invalid(error.to_string()))?;
        let schema = Arc::new(schema);
        self.inner.cache.insert(id, Arc::clone(&schema));
        Ok(schema)
    }

    /// As [`RegistryClient::schema_by_id`], for a thread of its own that may block. A schema in the cache costs no
    /// wait. Panics if called from within the async runtime.
    ///
    /// # Errors
    /// As [`RegistryClient::schema_by_id`].
    pub fn schema_by_id_blocking(
        &self,
        runtime: &tokio::runtime::Handle,
        id: SchemaId,
    ) -> Result<Arc<Schema>, RegistryError> {
        match self.inner.cache.get(id) {
            Some(schema) => Ok(schema),
            None => runtime.block_on(self.schema_by_id(id)),
        }
    }

    /// The id under which `subject` holds exactly this schema. Looks up only; it never registers.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] when it does not, and as [`RegistryClient::schema_by_id`].
    pub async fn id_of(&self, subject: &str, schema_json: &str) -> Result<SchemaId, RegistryError> {
        let body = serde_json::json!({ "schema": schema_json, "schemaType": "AVRO" }).to_string();
        let found = perform_sr_call(&self.inner.settings, SrCall::PostForVersion(subject, &body))
            .await
            .map_err(|error| RegistryError::from_converter(&this_schema(subject), &error))?;
        found.id.map(SchemaId).ok_or_else(|| RegistryError::unavailable("the registry's answer holds no id"))
    }

    /// Registers this schema under `subject`; where it is there already, gives the id it has. For operators.
    ///
    /// # Errors
    /// [`RegistryError::Incompatible`] when the subject's rule forbids it, and as [`RegistryClient::schema_by_id`].
    pub async fn register(&self, subject: &str, schema_json: &str) -> Result<SchemaId, RegistryError> {
        post_schema(&self.inner.settings, subject.to_owned(), avro(schema_json))
            .await
            .map(|registered| SchemaId(registered.id))
            .map_err(|error| RegistryError::from_converter(&this_schema(subject), &error))
    }

    /// Whether the subject's rule would let this schema in, after all its versions. A subject that does not exist yet
    /// lets everything in.
    ///
    /// # Errors
    /// As [`RegistryClient::schema_by_id`].
    pub async fn check_compatible(&self, subject: &str, schema_json: &str) -> Result<bool, RegistryError> {
        match is_compatible_schema(&self.inner.settings, subject.to_owned(), avro(schema_json)).await {
            Ok(compatible) => Ok(compatible),
            Err(error) => match RegistryError::from_converter(&this_schema(subject), &error) {
                RegistryError::NotFound { .. } => Ok(true),
                other => Err(other),
            },
        }
    }

    /// Sets a subject's compatibility rule, for example `FULL_TRANSITIVE`. For operators.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for a rule the registry does not know, and as [`RegistryClient::schema_by_id`].
    pub async fn set_compatibility(&self, subject: &str, rule: &str) -> Result<(), RegistryError> {
        let url = format!("{}/config/{}", self.inner.url, subject.replace('/', "%2F"));
        let request = self.inner.http.put(url).json(&serde_json::json!({ "compatibility": rule }));
        let request = self.inner.login.put_on(request);
        let response =
            request.send().await.map_err(|error| RegistryError::unavailable(error.without_url()))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(());
        }
        let answer = response.json().await.ok();
        Err(RegistryError::from_status(&format!("the compatibility of {subject}"), status.as_u16(), answer))
    }

    /// How the registry answers to a question for its subjects. Any answer is one, a refused log-in too.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] when there is none.
    pub async fn greet(&self) -> Result<Greeting, RegistryError> {
        let request = self.inner.login.put_on(self.inner.http.get(format!("{}/subjects", self.inner.url)));
        let answer = request.send().await;
        let answer =
            answer.map_err(|error| RegistryError::unavailable(error::causes(&error.without_url())))?;
        let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        Ok(Greeting { status: answer.status().as_u16(), date: date.map(str::to_owned) })
    }

    /// The names of all subjects.
    ///
    /// # Errors
    /// As [`RegistryClient::schema_by_id`].
    pub async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        get_all_subjects(&self.inner.settings)
            .await
            .map_err(|error| RegistryError::from_converter("the list of subjects", &error))
    }
}

impl Login {
    fn put_on(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::None => request,
            Self::Basic { username, password } => {
                request.basic_auth(username, password.as_ref().map(Secret::expose))
            }
            Self::Bearer(token) => request.bearer_auth(token.expose()),
        }
    }
}

impl fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryClient").field("url", &self.inner.url).finish_non_exhaustive()
    }
}

fn avro(schema_json: &str) -> SuppliedSchema {
    SuppliedSchema::new(None, SchemaType::Avro, schema_json.to_owned())
}

fn this_schema(subject: &str) -> String {
    format!("this schema under subject {subject}")
}

#[cfg(test)]
mod tests;
