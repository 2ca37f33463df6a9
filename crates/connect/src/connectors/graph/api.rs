//! The calls of Graph about presence, and the token that they need.

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::connector::{ConnectError, SetOutcome};
use crate::connectors::{MakeError, http};
use crate::secret::Secret;

pub struct GraphApi {
    client: Client,
    server: Url,
    authority: Url,
    tenant: String,
    client_id: String,
    secret: Secret,
    /// And until when it is used.
    token: Mutex<Option<(Secret, Instant)>>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u64,
}

/// `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret ..."}`
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenRefusal {
    error: String,
    error_description: String,
}

/// What Graph says about a user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphPresence {
    pub id: String,
    availability: String,
    activity: String,
    /// A later one sorts behind.
    pub sequence_number: Option<String>,
    status_message: Option<PresenceMessage>,
}

#[derive(Debug, Deserialize)]
struct PresenceMessage {
    message: Option<PresenceText>,
}

#[derive(Debug, Deserialize)]
struct PresenceText {
    content: Option<String>,
}

/// The activities that say no more than the availability.
const PLAIN: [&str; 7] = [
    "Available",
    "Away",
    "BeRightBack",
    "Busy",
    "DoNotDisturb",
    "Offline",
    "PresenceUnknown",
];

impl GraphPresence {
    /// One name for availability and activity: the activity where it says more.
    pub fn state(&self) -> String {
        if PLAIN.contains(&&*self.activity) {
            self.availability.clone()
        } else {
            self.activity.clone()
        }
    }

    /// What the user has written, or we.
    pub fn text(self) -> Option<String> {
        let text = self.status_message?.message?.content?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub fn is_online(&self) -> bool {
        !matches!(&*self.availability, "Offline" | "PresenceUnknown")
    }
}

impl GraphApi {
    pub fn new(
        server: Url,
        authority: Url,
        (tenant, client_id): (&str, &str),
        secret: Secret,
    ) -> Result<Self, MakeError> {
        Ok(Self {
            client: http::client()?,
            server,
            authority,
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            secret,
            token: Mutex::new(None),
        })
    }

    /// A token that is still good for a while.
    ///
    /// # Errors
    /// None is given, for now or with this secret.
    pub async fn token(&self) -> Result<Secret, ConnectError> {
        let mut token = self.token.lock().await;
        if let Some((token, until)) = &*token
            && *until > Instant::now()
        {
            return Ok(token.clone());
        }
        let url = below(&self.authority, &[&self.tenant, "oauth2", "v2.0", "token"])?;
        // National clouds have tokens of their own.
        let scope = below(&self.server, &[".default"])?;
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.client_id),
            ("client_secret", self.secret.reveal()),
            ("scope", scope.as_str()),
        ];
        let answer = self.client.post(url).form(&form).send().await;
        let answer = answer.map_err(http::lost)?;
        let status = answer.status();
        if status.is_success() {
            let answer: TokenAnswer = answer.json().await.map_err(http::lost)?;
            let new = Secret::from(&*answer.access_token);
            let used = Duration::from_secs(answer.expires_in).mul_f64(0.8);
            *token = Some((new.clone(), Instant::now() + used));
            return Ok(new);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(http::unexpected(answer, "error_description").await);
        }
        let refusal: TokenRefusal = answer.json().await.unwrap_or_default();
        let why = refusal.error_description.lines().next();
        let why = why.unwrap_or_default();
        let error = &refusal.error;
        Err(ConnectError::Settings(format!(
            "no token for the application: {error}: {why}"
        )))
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Response, ConnectError> {
        let path: Vec<&str> = ["v1.0"].iter().chain(path).copied().collect();
        let url = below(&self.server, &path)?;
        let mut is_again = false;
        loop {
            let token = self.token().await?;
            let request = self.client.request(method.clone(), url.clone());
            let request = request.bearer_auth(token.reveal());
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let answer = request.send().await.map_err(http::lost)?;
            if answer.status() != StatusCode::UNAUTHORIZED || is_again {
                return Ok(answer);
            }
            // It may have been taken back before its time.
            is_again = true;
            *self.token.lock().await = None;
        }
    }

    /// What some users show, without those that Graph does not know.
    ///
    /// # Errors
    /// No answer came, or it is something else.
    pub async fn presences(&self, users: &[String]) -> Result<Vec<GraphPresence>, ConnectError> {
        #[derive(Deserialize)]
        struct PresencesAnswer {
            value: Vec<GraphPresence>,
        }
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let path = ["communications", "getPresencesByUserId"];
        let body = json!({ "ids": users });
        let answer = self.send(Method::POST, &path, Some(&body)).await?;
        if !answer.status().is_success() {
            return Err(failure(answer).await);
        }
        let answer: PresencesAnswer = answer.json().await.map_err(http::lost)?;
        Ok(answer.value)
    }

    /// What a user shows; `None` if Graph does not know the user.
    ///
    /// # Errors
    /// No answer came, or it is something else.
    pub async fn presence(&self, user: &str) -> Result<Option<GraphPresence>, ConnectError> {
        let path = ["users", user, "presence"];
        let answer = self.send(Method::GET, &path, None).await?;
        match answer.status() {
            StatusCode::OK => Ok(Some(answer.json().await.map_err(http::lost)?)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(failure(answer).await),
        }
    }

    /// Sets something.
    ///
    /// # Errors
    /// No answer came.
    pub async fn set(&self, path: &[&str], body: &Value) -> Result<SetOutcome, ConnectError> {
        let answer = self.send(Method::POST, path, Some(body)).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(SetOutcome::Done);
        }
        let after = http::retry_after(&answer);
        let why = reason(answer).await;
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Ok(SetOutcome::Later { after, why });
        }
        Ok(SetOutcome::Refused(why))
    }

    /// Makes or renews our session of a user, for a time such as `PT4H`.
    ///
    /// # Errors
    /// No answer came.
    pub async fn keep_session(
        &self,
        user: &str,
        duration: &str,
    ) -> Result<SetOutcome, ConnectError> {
        let body = json!({
            "sessionId": self.client_id, "availability": "Away", "activity": "Away",
            "expirationDuration": duration,
        });
        let path = ["users", user, "presence", "setPresence"];
        self.set(&path, &body).await
    }

    /// Ends our session of a user.
    ///
    /// # Errors
    /// No answer came.
    pub async fn end_session(&self, user: &str) -> Result<SetOutcome, ConnectError> {
        let path = ["users", user, "presence", "clearPresence"];
        let body = json!({ "sessionId": self.client_id });
        self.set(&path, &body).await
    }
}

fn below(server: &Url, path: &[&str]) -> Result<Url, ConnectError> {
    let mut url = server.clone();
    url.path_segments_mut()
        .map_err(|()| ConnectError::Settings("`server` is not an address".to_owned()))?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// `403 Forbidden: Authorization_RequestDenied: Insufficient privileges to complete the operation.`
async fn reason(answer: Response) -> String {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or("no reason given");
    let message = body["error"]["message"].as_str().unwrap_or_default();
    format!("{status}: {code}: {message}")
}

/// Why a question was not answered.
async fn failure(answer: Response) -> ConnectError {
    let status = answer.status();
    let after = http::retry_after(&answer);
    let why = reason(answer).await;
    match (status, after) {
        (_, Some(after)) => ConnectError::TryAfter { after, why },
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => ConnectError::Settings(why),
        _ => ConnectError::Lost(why),
    }
}
