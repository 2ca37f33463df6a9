//! Every address, as a caller sees it.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use presync_service::http::{Access, Service, router};
use presync_service::store::EmbeddedStore;
use presync_service::{AuditLog, Core, start};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{Numbers, events, other_tables, tables};

fn service(folder: &tempfile::TempDir, access: Access) -> Router {
    parts(folder, access).0
}

fn parts(folder: &tempfile::TempDir, access: Access) -> (Router, Service) {
    let store = EmbeddedStore::open(&folder.path().join("store")).expect("the store opens");
    let core = Core::new(tables(), store).expect("the store can be read");
    let mut options = std::fs::File::options();
    let audit = options.create(true).append(true);
    let audit = audit.open(folder.path().join("audit"));
    let audit = AuditLog::new(Box::new(audit.expect("it can be written")));
    let handle = start(core, || jiff::Timestamp::UNIX_EPOCH, audit).expect("it starts");
    // The first reload fails, the second one finds another program.
    let reloads = std::sync::atomic::AtomicUsize::new(0);
    let load = Box::new(
        move || match reloads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Err("the program has errors".to_owned()),
            _ => Ok(other_tables()),
        },
    );
    let service = Service::new(handle, load, access, None);
    (router(service.clone()), service)
}

fn request(method: &str, path: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .expect("it is a request")
}

async fn text(router: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.clone().oneshot(request).await.expect("it answers");
    let status = response.status();
    let bytes = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (
        status,
        String::from_utf8(bytes.to_vec()).expect("it is text"),
    )
}

async fn ask(router: &Router, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (status, text) = text(router, request(method, path, &body)).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

const ANN: &str = r#"{"user":"ann","role":"Agents","set":{"user_type":"enterprise_voice","cic_logged_in":true,"lync_logged_in":true}}"#;

#[tokio::test]
async fn events_lead_to_commands() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let (status, _) = text(&router, request("POST", "/v1/events", ANN)).await;
    assert_eq!(status, StatusCode::OK);
    let lunch = json!({ "user": "ann", "change": { "cic": "At Lunch" }, "id": 7 });
    let (status, answer) = ask(&router, "POST", "/v1/events", lunch.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let command = &answer["commands"][0];
    assert_eq!(
        (&command["number"], &command["cause"]),
        (&json!(1), &json!(7))
    );
    assert_eq!(command["set"], json!({ "lync": "Away" }));
    // The same again is no news.
    let (_, answer) = ask(
        &router,
        "POST",
        "/v1/events",
        json!([lunch, { "user": "ann" }]),
    )
    .await;
    assert_eq!(answer[0], json!({ "effect": "same", "commands": [] }));
    assert_eq!(answer[1]["error"], "empty-event");
    let (status, answer) = ask(
        &router,
        "POST",
        "/v1/events",
        json!({ "user": "ann", "change": { "cic": "Lunch" } }),
    )
    .await;
    assert_eq!(
        (status, &answer["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("unknown-state"))
    );
    // What is known of her.
    let (_, user) = ask(&router, "GET", "/v1/users/ann", Value::Null).await;
    assert_eq!(user["waiting"]["lync"]["set"], json!({ "lync": "Away" }));
    assert_eq!(user["decisions"][0]["outcome"], "sent");
    // An adapter carries it out.
    let (_, claimed) = ask(
        &router,
        "POST",
        "/v1/commands/claim",
        json!({ "system": "lync" }),
    )
    .await;
    assert_eq!(claimed[0]["number"], 1);
    let done = json!({ "user": "ann", "number": 1 });
    let (_, first) = ask(&router, "POST", "/v1/commands/acknowledge", done.clone()).await;
    let (_, second) = ask(&router, "POST", "/v1/commands/acknowledge", done).await;
    assert_eq!(
        (first, second),
        (json!({ "waited": true }), json!({ "waited": false }))
    );
    let (_, claimed) = ask(&router, "POST", "/v1/commands/claim", json!({})).await;
    assert_eq!(claimed, json!([]));
    // And forgets her.
    let (status, _) = ask(&router, "DELETE", "/v1/users/ann", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = ask(&router, "GET", "/v1/users/ann", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn lines_are_answered_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let lines = events(&tables(), 500, 5, &mut Numbers(4));
    let request = Request::post("/v1/events")
        .header("content-type", "application/x-ndjson")
        .body(Body::from(lines.join("\r\n") + "\n\n"))
        .expect("it is a request");
    let (status, answers) = text(&router, request).await;
    assert_eq!(status, StatusCode::OK);
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).expect("each is JSON"))
        .collect();
    // As an array is answered.
    let other = tempfile::tempdir().expect("a folder");
    let array = format!("[{}]", lines.join(","));
    let again = service(&other, Access::default());
    let (_, expected) = text(&again, self::request("POST", "/v1/events", &array)).await;
    let expected: Vec<Value> = serde_json::from_str(&expected).expect("it is an array");
    assert_eq!(answers, expected);
    assert!(
        answers
            .iter()
            .any(|answer| answer["commands"][0].is_object())
    );
}

#[tokio::test]
async fn the_stream_of_commands_resumes() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let lines = events(&tables(), 300, 5, &mut Numbers(4));
    let all = Request::post("/v1/events")
        .header("content-type", "application/x-ndjson")
        .body(Body::from(lines.join("\n")))
        .expect("it is a request");
    text(&router, all).await;
    let resumed = Request::get("/v1/commands")
        .header("last-event-id", "3")
        .body(Body::empty())
        .expect("it is a request");
    let response = router.clone().oneshot(resumed).await.expect("it answers");
    let mut body = response.into_body();
    body.frame().await.expect("a start").expect("it is sent");
    let frame = body.frame().await.expect("a command").expect("it is sent");
    let frame = frame.into_data().expect("it has data");
    let frame = String::from_utf8(frame.to_vec()).expect("it is text");
    assert!(
        frame.contains("id: 4\n") && frame.contains("event: command"),
        "{frame}"
    );
    // A new command arrives while somebody listens.
    let listening = request("GET", "/v1/commands", "");
    let response = router.clone().oneshot(listening).await.expect("it answers");
    let mut body = response.into_body();
    // The number from which a client goes on that has got no command yet.
    let frame = body.frame().await.expect("a start").expect("it is sent");
    let frame = frame.into_data().expect("it has data");
    let start = String::from_utf8(frame.to_vec()).expect("it is text");
    assert!(
        start.starts_with("id: ") && start.contains("event: start"),
        "{start}"
    );
    text(
        &router,
        request("POST", "/v1/events", &ANN.replace("ann", "eve")),
    )
    .await;
    let lunch = r#"{"user":"eve","change":{"cic":"At Lunch"}}"#;
    text(&router, request("POST", "/v1/events", lunch)).await;
    let frame = body.frame().await.expect("a command").expect("it is sent");
    let frame =
        String::from_utf8(frame.into_data().expect("it has data").to_vec()).expect("it is text");
    assert!(frame.contains("\"user\":\"eve\""), "{frame}");
}

#[tokio::test]
async fn decisions_are_those_of_the_tool() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let question = json!({
        "role": "Agents",
        "facts": { "user_type": "enterprise_voice", "cic_logged_in": true, "lync_logged_in": true },
        "change": { "cic": "At Lunch" },
    });
    let (status, answer) = ask(&router, "POST", "/v1/decide", question.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["decisions"][0]["state"], "Away");
    let (_, answers) = ask(&router, "POST", "/v1/decide", json!([question, question])).await;
    assert_eq!(answers.as_array().map(Vec::len), Some(2));
    for (wrong, code) in [
        (json!({ "change": { "cic": "At Lunch" } }), "no-role"),
        (
            json!({ "role": "Agents", "change": { "cic": "Lunch" } }),
            "unknown-name",
        ),
        (json!({ "role": "Agents", "change": {} }), "change"),
        (json!({ "rolle": "Agents" }), "malformed"),
    ] {
        let (status, problem) = ask(&router, "POST", "/v1/decide", wrong.clone()).await;
        assert_eq!(
            (status, &problem["type"]),
            (StatusCode::BAD_REQUEST, &json!(code)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_service_says_how_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let (status, _) = ask(&router, "GET", "/health/live", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, health) = ask(&router, "GET", "/health/ready", Value::Null).await;
    assert_eq!(health, json!({ "queued": 0 }));
    let (_, digest) = ask(&router, "GET", "/v1/digest", Value::Null).await;
    assert_eq!(digest["digest"], tables().digest().expect("it has one"));
    let (_, tables) = ask(&router, "GET", "/v1/tables", Value::Null).await;
    assert!(tables["digest"].is_string());
    // A program with errors does not replace the tables, and the address for health says why.
    let (status, problem) = ask(&router, "POST", "/v1/reload", Value::Null).await;
    assert_eq!(
        (status, &problem["detail"]),
        (StatusCode::CONFLICT, &json!("the program has errors"))
    );
    let (_, health) = ask(&router, "GET", "/health/ready", Value::Null).await;
    assert_eq!(health["problem"], "the program has errors");
    // Another one does, for decisions and for events.
    let (status, _) = ask(&router, "POST", "/v1/reload", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, health) = ask(&router, "GET", "/health/ready", Value::Null).await;
    assert_eq!(health, json!({ "queued": 0 }));
    let (_, digest) = ask(&router, "GET", "/v1/digest", Value::Null).await;
    assert_eq!(
        digest["digest"],
        other_tables().digest().expect("it has one")
    );
    let event = json!({ "user": "ann", "role": "Supervisors", "set": { "client": "lync_client" } });
    let (status, answer) = ask(&router, "POST", "/v1/events", event).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (status, problem) = ask(&router, "GET", "/v2", Value::Null).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::NOT_FOUND, &json!("not-found"))
    );
}

/// What happens is counted, and every command is written down with its reason.
#[tokio::test]
async fn what_happens_is_counted_and_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let lunch = json!({ "user": "ann", "change": { "cic": "At Lunch" }, "id": 7 });
    let unknown = json!({ "user": "ann", "change": { "cic": "At Lunchh" } });
    let ann: Value = serde_json::from_str(ANN).expect("it is JSON");
    ask(
        &router,
        "POST",
        "/v1/events",
        json!([ann, lunch, lunch, unknown]),
    )
    .await;
    let (_, metrics) = text(&router, request("GET", "/metrics", "")).await;
    for line in [
        "presync_events_total{effect=\"recorded\"} 2",
        "presync_events_total{effect=\"same\"} 1",
        "presync_rejections_total{code=\"unknown-state\"} 1",
        "presync_decisions_total{outcome=\"sent\"} 1",
        "presync_transaction_seconds_count 1",
        "presync_request_seconds_count{path=\"/v1/events\",status=\"200\"} 1",
        "presync_queued 0",
        "presync_paused 0",
    ] {
        assert!(
            metrics.lines().any(|one| one == line),
            "{line} in {metrics}"
        );
    }
    let audit = std::fs::read_to_string(folder.path().join("audit")).expect("it is there");
    let lines: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).expect("it is JSON"))
        .collect();
    let [line] = &lines[..] else {
        panic!("one command: {audit}");
    };
    let digest = tables().digest().expect("it has one").to_owned();
    assert_eq!(
        (&line["user"], &line["set"], &line["cause"], &line["digest"]),
        (
            &json!("ann"),
            &json!({ "lync": "Away" }),
            &json!(7),
            &json!(digest)
        )
    );
    assert!(line["rule"].is_string() && line["at"].is_string(), "{line}");
}

/// Also errors that no address makes.
#[tokio::test]
async fn every_error_is_a_problem() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    let large = "x".repeat((4 << 20) + 1);
    for (method, path, body, status) in [
        ("GET", "/v1/events", "", StatusCode::METHOD_NOT_ALLOWED),
        (
            "POST",
            "/v1/events",
            large.as_str(),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        ("POST", "/v1/commands/claim", "{", StatusCode::BAD_REQUEST),
        (
            "POST",
            "/v1/commands/acknowledge",
            "{}",
            StatusCode::BAD_REQUEST,
        ),
        ("POST", "/v1/events", "", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "POST",
            "/v1/events",
            "\u{feff}[",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("PUT", "/v2", "", StatusCode::NOT_FOUND),
    ] {
        let (found, problem) = text(&router, request(method, path, body)).await;
        let problem: Value = serde_json::from_str(&problem).unwrap_or_default();
        assert_eq!(found, status, "{method} {path}: {problem}");
        assert_eq!(problem["status"], status.as_u16(), "{method} {path}");
        assert!(
            problem["type"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
    }
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let (status, problem) = text(&router, request("POST", "/v1/events", &many)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{problem}");
    // A page in a browser.
    let mut of_a_page = request("POST", "/v1/events", ANN);
    let origin = "https://example.com".parse().expect("it is a header");
    of_a_page.headers_mut().insert("origin", origin);
    let (status, _) = text(&router, of_a_page).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for (host, status) in [
        ("localhost:7420", StatusCode::OK),
        ("127.0.0.1", StatusCode::OK),
        ("[::1]:7420", StatusCode::OK),
        ("presync.example.com:7420", StatusCode::FORBIDDEN),
    ] {
        let mut request = request("GET", "/v1/digest", "");
        request
            .headers_mut()
            .insert("host", host.parse().expect("it is a header"));
        let (found, _) = text(&router, request).await;
        assert_eq!(found, status, "{host}");
    }
    // HTTP/2 has the host in the address.
    for (address, status) in [
        ("https://localhost:7420/v1/digest", StatusCode::OK),
        (
            "https://presync.example.com/v1/digest",
            StatusCode::FORBIDDEN,
        ),
    ] {
        let (found, _) = text(&router, request("GET", address, "")).await;
        assert_eq!(found, status, "{address}");
    }
}

#[tokio::test]
async fn streams_end_with_the_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let (router, service) = parts(&folder, Access::default());
    let listening = request("GET", "/v1/commands", "");
    let response = router.clone().oneshot(listening).await.expect("it answers");
    let mut body = response.into_body();
    body.frame().await.expect("a start").expect("it is sent");
    service.end();
    let end = tokio::time::timeout(std::time::Duration::from_secs(10), body.frame()).await;
    assert!(end.expect("the stream ends").is_none());
}

#[tokio::test]
async fn tokens_decide_who_may_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let access = Access::parse("# of adapters\nabc decide,events\nxyz admin\nask decide\n")
        .expect("they are tokens");
    let router = service(&folder, access);
    let with = |method: &str, path: &str, token: &str| {
        let mut request = request(method, path, "{}");
        if !token.is_empty() {
            let header = format!("Bearer {token}").parse().expect("it is a header");
            request.headers_mut().insert("authorization", header);
        }
        request
    };
    for (method, path, token, expected) in [
        ("GET", "/health/live", "", StatusCode::NO_CONTENT),
        ("GET", "/v1/digest", "", StatusCode::UNAUTHORIZED),
        ("GET", "/v1/digest", "wrong", StatusCode::UNAUTHORIZED),
        ("GET", "/v1/digest", "abc", StatusCode::OK),
        ("GET", "/v1/digest", "ask", StatusCode::OK),
        ("POST", "/v1/decide", "ask", StatusCode::BAD_REQUEST),
        ("POST", "/v1/events", "ask", StatusCode::FORBIDDEN),
        ("POST", "/v1/commands/claim", "ask", StatusCode::FORBIDDEN),
        ("GET", "/v1/commands", "ask", StatusCode::FORBIDDEN),
        ("GET", "/v1/users/ann", "ask", StatusCode::FORBIDDEN),
        ("POST", "/v1/reload", "abc", StatusCode::FORBIDDEN),
        ("GET", "/health/ready", "", StatusCode::NO_CONTENT),
        ("GET", "/health/ready", "xyz", StatusCode::OK),
        ("POST", "/v1/commands/claim", "abc", StatusCode::OK),
        ("DELETE", "/v1/users/ann", "abc", StatusCode::FORBIDDEN),
        ("DELETE", "/v1/users/ann", "xyz", StatusCode::NOT_FOUND),
        ("GET", "/v1/digest", "xyz", StatusCode::OK),
        ("GET", "/anything", "", StatusCode::UNAUTHORIZED),
    ] {
        let (status, body) = text(&router, with(method, path, token)).await;
        assert_eq!(status, expected, "{method} {path} {token}: {body}");
    }
    // Exchanged, the unknown scope is the token, which is not shown.
    for line in ["abc all", "decide abc-secret", "decide abc-secret,events"] {
        let text = format!("abc decide\n{line}\n");
        let wrong = Access::parse(&text).expect_err("no such scope");
        assert_eq!(
            wrong.to_string(),
            "line 2 of the tokens: unknown scope after the token: use `decide`, `events` or `admin`"
        );
    }
}

/// A command that the user has overruled meanwhile would undo what was chosen.
#[tokio::test]
async fn overruled_commands_do_not_wait() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    text(&router, request("POST", "/v1/events", ANN)).await;
    let claimed = async |system: &str| {
        let claim = json!({ "system": system, "most": 1 });
        let (_, claimed) = ask(&router, "POST", "/v1/commands/claim", claim).await;
        claimed.as_array().map_or(0, Vec::len)
    };
    for (change, waits) in [
        (json!({ "cic": "At Lunch" }), 1),
        // By hand.
        (json!({ "lync": "Busy" }), 0),
        (json!({ "cic": "Available" }), 1),
        // The echo.
        (json!({ "lync": "Available" }), 0),
    ] {
        let event = json!({ "user": "ann", "change": change });
        ask(&router, "POST", "/v1/events", event.clone()).await;
        assert_eq!(claimed("lync").await, waits, "{event}");
    }
    // Of one system, whatever waits for another.
    ask(
        &router,
        "POST",
        "/v1/events",
        json!({ "user": "ann", "change": { "cic": "At Lunch" } }),
    )
    .await;
    assert_eq!((claimed("lync").await, claimed("cic").await), (1, 0));
}

/// What is paused stays so when the service is started again.
#[tokio::test]
async fn a_pause_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let lunch = json!({ "user": "ann", "change": { "cic": "At Lunch" } });
    {
        let router = service(&folder, Access::default());
        text(&router, request("POST", "/v1/events", ANN)).await;
        let unknown = json!({ "system": "teams" });
        let (status, answer) = ask(&router, "POST", "/v1/pause", unknown).await;
        assert_eq!(
            (status, &answer["type"]),
            (StatusCode::BAD_REQUEST, &json!("unknown-system"))
        );
        let misspelled = json!({ "sytem": "lync" });
        let (status, _) = ask(&router, "POST", "/v1/pause", misspelled).await;
        assert!(status.is_client_error(), "everything would be paused");
        let (status, answer) = ask(&router, "POST", "/v1/pause", json!({ "user": "ann" })).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            answer,
            json!({ "all": false, "systems": [], "users": ["ann"] })
        );
        let (_, answer) = ask(&router, "POST", "/v1/events", lunch.clone()).await;
        assert_eq!(answer, json!({ "effect": "paused", "commands": [] }));
    }
    // The thread that has the store ends soon.
    while EmbeddedStore::open(&folder.path().join("store")).is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let router = service(&folder, Access::default());
    let (_, answer) = ask(&router, "GET", "/v1/pause", Value::Null).await;
    assert_eq!(answer["users"], json!(["ann"]));
    let (_, answer) = ask(&router, "POST", "/v1/resume", json!({ "user": "ann" })).await;
    assert_eq!(answer["users"], json!([]));
    // It was observed.
    let (_, answer) = ask(&router, "POST", "/v1/events", lunch).await;
    assert_eq!(answer["effect"], "same");
    let resync = json!({ "user": "ann", "resync": true });
    let (_, answer) = ask(&router, "POST", "/v1/events", resync).await;
    assert_eq!(answer["commands"][0]["set"], json!({ "lync": "Away" }));
}

/// An array is no object: `[]` would be one without members, which pauses everything.
#[tokio::test]
async fn arrays_are_not_objects() {
    let folder = tempfile::tempdir().expect("a folder");
    let router = service(&folder, Access::default());
    for path in [
        "/v1/pause",
        "/v1/resume",
        "/v1/commands/claim",
        "/v1/commands/acknowledge",
    ] {
        for body in [json!([]), json!([null, null]), json!(null), json!("all")] {
            let (status, problem) = ask(&router, "POST", path, body.clone()).await;
            let wanted = (StatusCode::BAD_REQUEST, &json!("malformed"));
            assert_eq!((status, &problem["type"]), wanted, "{path} {body}");
        }
    }
    let (_, paused) = ask(&router, "GET", "/v1/pause", Value::Null).await;
    assert_eq!(paused["all"], false);
    let question = json!([["Agents", {}, {}, [], {}, { "cic": "At Lunch" }]]);
    let (status, _) = ask(&router, "POST", "/v1/decide", question).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
