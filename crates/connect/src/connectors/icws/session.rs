//! A session: logging in, also on a backup, and requests.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connector::ConnectError;
use crate::connectors::http;
use crate::secret::Secret;

/// What users are watched for.
const PROPERTIES: [&str; 4] = ["statusId", "loggedIn", "statusChanged", "notes"];

/// A stream has no end; that it is silent is noticed by its reader.
const NO_END: Duration = Duration::from_secs(365 * 86_400);

/// How long ending a session may take.
const END: Duration = Duration::from_secs(5);

/// Where and as whom to log in.
pub struct IcwsLogin {
    servers: Vec<Url>,
    /// The servers that the last session named for when it ends.
    alternates: Vec<Url>,
    user: String,
    password: Secret,
}

/// A session, which ends when it is not used any more.
pub struct IcwsSession {
    client: Client,
    server: Url,
    id: String,
    csrf: Secret,
    /// Whether messages come as a stream; otherwise they are asked for.
    pub streams: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionAnswer {
    csrf_token: String,
    session_id: String,
    #[serde(default)]
    alternate_host_list: Vec<String>,
    #[serde(default)]
    features: Vec<IcwsFeature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IcwsFeature {
    feature_id: String,
    version: u32,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LoginRefusal {
    error_id: String,
    message: String,
    alternate_host_list: Vec<String>,
}

impl IcwsLogin {
    pub fn new(servers: Vec<Url>, user: String, password: Secret) -> Self {
        Self {
            servers,
            alternates: Vec::new(),
            user,
            password,
        }
    }

    /// Logs in on the first server that takes connections; a backup names others.
    ///
    /// # Errors
    /// None does, or the password is wrong.
    pub async fn log_in(&mut self) -> Result<IcwsSession, ConnectError> {
        let known = self.servers.iter().chain(&self.alternates);
        let mut left: VecDeque<Url> = known.cloned().collect();
        let mut tried: Vec<Url> = Vec::new();
        let mut last = ConnectError::lost("no server takes connections");
        while let Some(server) = left.pop_front() {
            if tried.contains(&server) {
                continue;
            }
            tried.push(server.clone());
            match self.log_in_on(&server).await {
                Ok((session, alternates)) => {
                    self.alternates = alternates;
                    return Ok(session);
                }
                Err(LoginError::Backup(others, why)) => {
                    tracing::info!(server = %server, why, "this server takes no connections");
                    left.extend(others);
                }
                Err(LoginError::Other(error @ ConnectError::Settings(_))) => return Err(error),
                Err(LoginError::Other(error)) => last = error,
            }
        }
        Err(last)
    }

    async fn log_in_on(&self, server: &Url) -> Result<(IcwsSession, Vec<Url>), LoginError> {
        // Each session has cookies of its own.
        let client = http::builder().cookie_store(true).build();
        let client = client.map_err(|error| LoginError::Other(http::lost(error)))?;
        let mut url = address(server, &["connection"]).map_err(LoginError::Other)?;
        url.query_pairs_mut()
            .append_pair("include", "features,version");
        let body = json!({
            "__type": "urn:inin.com:connection:icAuthConnectionRequestSettings",
            "applicationName": "Presync",
            "userID": self.user,
            "password": self.password.reveal(),
        });
        let request = client.post(url).header("Accept-Language", "en-us");
        let answer = request.json(&body).send().await;
        let answer = answer.map_err(|error| LoginError::Other(http::lost(error)))?;
        let status = answer.status();
        if status.is_success() {
            let answer: ConnectionAnswer = answer
                .json()
                .await
                .map_err(|error| LoginError::Other(http::lost(error)))?;
            let mut features = answer.features.iter();
            let streams = features.any(|one| one.feature_id == "messaging" && one.version >= 2);
            let session = IcwsSession {
                client,
                server: server.clone(),
                id: answer.session_id,
                csrf: Secret::from(&*answer.csrf_token),
                streams,
            };
            return Ok((session, alternates(server, &answer.alternate_host_list)));
        }
        let after = http::retry_after(&answer);
        let refusal: LoginRefusal = answer.json().await.unwrap_or_default();
        let why = format!("{status}: {}", refusal.message);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let others = alternates(server, &refusal.alternate_host_list);
            return Err(LoginError::Backup(others, why));
        }
        let is_refused = refusal.error_id.ends_with("authenticationFailure");
        Err(LoginError::Other(match after {
            _ if is_refused => {
                ConnectError::Settings(format!("the server refuses the log-in: {why}"))
            }
            Some(after) => ConnectError::TryAfter { after, why },
            None => ConnectError::Lost(why),
        }))
    }
}

enum LoginError {
    /// This server takes no connections; these may.
    Backup(Vec<Url>, String),
    Other(ConnectError),
}

/// Other hosts, reached in the same way. Those that secrets must not be sent to are not used.
fn alternates(server: &Url, hosts: &[String]) -> Vec<Url> {
    let urls = hosts.iter().filter_map(|host| {
        let mut url = server.clone();
        url.set_host(Some(host)).ok()?;
        http::server_address("alternateHostList", url.as_str()).ok()
    });
    urls.collect()
}

fn address(server: &Url, path: &[&str]) -> Result<Url, ConnectError> {
    let mut url = server.clone();
    url.path_segments_mut()
        .map_err(|()| {
            ConnectError::Settings("`servers` has something else than addresses".to_owned())
        })?
        .pop_if_empty()
        .push("icws")
        .extend(path);
    Ok(url)
}

impl IcwsSession {
    /// A request of this session.
    ///
    /// # Errors
    /// No answer came, or the session has ended.
    pub async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Response, ConnectError> {
        let request = self.request(method, path)?;
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        is_alive(request.send().await.map_err(http::lost)?)
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
    ) -> Result<reqwest::RequestBuilder, ConnectError> {
        let path: Vec<&str> = [&*self.id].iter().chain(path).copied().collect();
        let request = self.client.request(method, address(&self.server, &path)?);
        Ok(request.header("ININ-ICWS-CSRF-Token", self.csrf.reveal()))
    }

    /// Watches these users and no others. Returns false if one of them is not known.
    ///
    /// # Errors
    /// No answer came, or it is something else.
    pub async fn subscribe(&self, users: &[String]) -> Result<bool, ConnectError> {
        let path = ["messaging", "subscriptions", "status", "user-statuses"];
        let body = json!({ "userIds": users, "userStatusProperties": PROPERTIES });
        let answer = self.send(Method::PUT, &path, Some(&body)).await?;
        match answer.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(false),
            _ => Err(http::unexpected(answer, "message").await),
        }
    }

    /// The messages that wait.
    ///
    /// # Errors
    /// No answer came, or it is something else.
    pub async fn poll(&self) -> Result<Vec<Value>, ConnectError> {
        let path = ["messaging", "messages"];
        let answer = self.send(Method::GET, &path, None).await?;
        if !answer.status().is_success() {
            return Err(http::unexpected(answer, "message").await);
        }
        answer.json().await.map_err(http::lost)
    }

    /// The messages as server-sent events, without end.
    ///
    /// # Errors
    /// No answer came, or it is something else.
    pub async fn stream(&self) -> Result<Response, ConnectError> {
        let request = self.request(Method::GET, &["messaging", "messages"])?;
        let request = request
            .header("Accept", "text/event-stream")
            .timeout(NO_END);
        let answer = is_alive(request.send().await.map_err(http::lost)?)?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(http::unexpected(answer, "message").await)
        }
    }

    /// Ends the session, and gives its license back.
    pub async fn end(&self) {
        let path = ["connection"];
        if let Ok(request) = self.request(Method::DELETE, &path) {
            // A session that is not ended ends by itself.
            let _ = request.timeout(END).send().await;
        }
    }
}

fn is_alive(answer: Response) -> Result<Response, ConnectError> {
    match answer.status() {
        StatusCode::UNAUTHORIZED | StatusCode::GONE => {
            Err(ConnectError::lost("the server has ended the session"))
        }
        _ => Ok(answer),
    }
}
