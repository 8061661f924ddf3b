//! Answers of EKS: arbitrary bodies, statuses and headers, and real ones with something in them replaced, through the real
//! adapter and as far as a status and its Events.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{
    CancelRequest, Cancellation, ClusterView, Eks, EksError, Fence, InsightCategory, InsightView,
    NodegroupView, OfferedVersion, Progress, RefreshStatus, RefreshView, Target, UpdateError,
    UpdateView, VersionRequest, is_update_id,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::bounds::{assert_published, assert_status, assert_text};
use crate::json::{Change, arbitrary, changed, changes, odd_string};
use crate::objects::{spec, statuses};
use crate::server::{Asked, Reply, Server, answer};
use crate::world::{World, for_all, object};

/// One answer to every kind of call.
#[derive(Clone, Debug)]
struct Answers {
    cluster: Odd,
    list: Odd,
    update: Odd,
    versions: Odd,
    started: Odd,
}

/// An answer: a real one with changes, or something else.
#[derive(Clone, Debug)]
enum Odd {
    Changed(Vec<Change>),
    Json(Value),
    Text(String),
    Error(u16, Option<String>, Value),
    Headers(u16, Vec<(String, String)>),
    Raw(String),
    Close,
    BreakOff,
}

fn odd() -> impl Strategy<Value = Odd> {
    let status = || {
        prop_oneof![
            3 => select(vec![400_u16, 403, 404, 409, 429, 500, 503]),
            1 => 100_u16..1000,
        ]
    };
    let code = prop_oneof![
        2 => odd_string(),
        3 => select(vec![
            "ResourceInUseException", "InvalidStateException", "InvalidParameterException", "ClientException",
            "ResourceNotFoundException", "AccessDeniedException", "ExpiredTokenException", "RequestExpired",
        ])
        .prop_map(ToOwned::to_owned),
    ];
    let names = select(vec![
        "x-amzn-requestid",
        "x-amzn-errortype",
        "date",
        "content-type",
        "transfer-encoding",
        "content-encoding",
        "x-odd",
    ]);
    let header = (names.prop_map(ToOwned::to_owned), odd_string());
    prop_oneof![
        9 => changes(2).prop_map(Odd::Changed),
        1 => arbitrary().prop_map(Odd::Json),
        1 => odd_string().prop_map(Odd::Text),
        4 => (status(), proptest::option::of(code), (odd_string(), odd_string()).prop_map(|(message, code)| {
            json!({"message": message, "__type": code})
        }))
        .prop_map(|(status, code, body)| Odd::Error(status, code, body)),
        1 => (status(), proptest::collection::vec(header, 0..4)).prop_map(|(status, headers)| Odd::Headers(status, headers)),
        1 => odd_string().prop_map(Odd::Raw),
        1 => select(vec![Odd::Close, Odd::BreakOff]),
    ]
}

fn answers() -> impl Strategy<Value = Answers> {
    // Most of the time what comes first is sound, or nothing that follows is ever asked.
    let mostly_sound = || prop_oneof![3 => Just(Odd::Changed(Vec::new())), 2 => odd()];
    (mostly_sound(), mostly_sound(), odd(), mostly_sound(), odd()).prop_map(
        |(cluster, list, update, versions, started)| Answers {
            cluster,
            list,
            update,
            versions,
            started,
        },
    )
}

const ID: &str = "00000000-0000-4000-8000-000000000111";

fn update(id: &str) -> Value {
    json!({"update": {
        "id": id,
        "type": "VersionUpdate",
        "status": "Failed",
        "params": [{"type": "Version", "value": "1.34"}, {"type": "PlatformVersion", "value": "eks.1"}],
        "createdAt": 1_795_435_200.123,
        "errors": [{"errorCode": "SubnetNotFound", "errorMessage": "no such subnet", "resourceIds": ["subnet-1", "subnet-2"]}],
    }})
}

impl Answers {
    fn reply(&self, asked: &Asked) -> Reply {
        let path = asked.path.split('?').next().unwrap();
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let (odd, sound) = match (asked.method.as_str(), parts.as_slice()) {
            ("POST", _) => (&self.started, update(ID)),
            (_, ["cluster-versions"]) => (
                &self.versions,
                json!({"clusterVersions": [
                    {"clusterVersion": "1.34", "versionStatus": "STANDARD_SUPPORT", "endOfStandardSupportDate": 1_895_435_200.0},
                    {"clusterVersion": "1.35", "versionStatus": "STANDARD_SUPPORT"},
                ]}),
            ),
            (_, ["clusters", _, "updates"]) => (&self.list, json!({"updateIds": [ID]})),
            (_, ["clusters", _, "updates", id]) => (&self.update, update(id)),
            _ => (
                &self.cluster,
                json!({"cluster": {
                    "name": "devel",
                    "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/devel",
                    "createdAt": 1_695_435_200.5,
                    "version": "1.33",
                    "platformVersion": "eks.12",
                    "status": "ACTIVE",
                    "health": {"issues": []},
                }}),
            ),
        };
        odd.reply(&sound)
    }
}

impl Odd {
    fn reply(&self, sound: &Value) -> Reply {
        match self {
            Self::Changed(changes) => {
                answer(200, changed(sound.clone(), changes).to_string()).into()
            }
            Self::Json(body) => answer(200, body.to_string()).into(),
            Self::Text(body) => answer(200, body.clone()).into(),
            Self::Error(status, code, body) => {
                let answer = answer(*status, body.to_string());
                match code {
                    // A line break ends a header, and the rest is another.
                    Some(code) => {
                        answer.header("x-amzn-errortype", &code.replace(['\r', '\n'], ""))
                    }
                    None => answer,
                }
                .into()
            }
            Self::Headers(status, headers) => headers
                .iter()
                .fold(
                    answer(*status, sound.to_string()),
                    |answer, (name, value)| answer.header(name, value),
                )
                .into(),
            Self::Raw(text) => Reply::Raw(format!("HTTP/1.1 200 OK\r\n{text}")),
            Self::Close => Reply::Close,
            Self::BreakOff => Reply::BreakOff,
        }
    }
}

/// One adapter for all cases: it is made of clients that are meant to be shared.
#[derive(Clone)]
struct Shared(Arc<AwsEks>);

impl Eks for Shared {
    async fn describe_cluster(&self, target: &Target) -> Result<ClusterView, EksError> {
        let answer = self.0.describe_cluster(target).await;
        if let Ok(ClusterView {
            arn,
            created_at: _,
            version,
            platform_version,
            status,
            hosting: _,
            is_auto_mode: _,
            support_type,
            health: _,
            hold: _,
        }) = &answer
        {
            assert_text("arn", arn, 2048);
            assert!(!arn.contains(' ') && !arn.is_empty(), "{arn:?}");
            for word in [version, status]
                .into_iter()
                .chain(platform_version)
                .chain(support_type)
            {
                assert_text("a word", word, 128);
            }
        }
        bounded(answer)
    }

    async fn list_updates(&self, target: &Target) -> Result<Vec<String>, EksError> {
        let answer = self.0.list_updates(target).await;
        if let Ok(ids) = &answer {
            assert!(ids.len() <= 10_000, "{}", ids.len());
            assert!(ids.iter().all(|id| is_update_id(id)), "{ids:?}");
        }
        bounded(answer)
    }

    async fn describe_update(&self, target: &Target, id: &str) -> Result<UpdateView, EksError> {
        let answer = self.0.describe_update(target, id).await;
        if let Ok(view) = &answer {
            assert_eq!(view.id, id);
        }
        update_bounded(answer)
    }

    async fn describe_cluster_versions(
        &self,
        target: &Target,
    ) -> Result<Vec<OfferedVersion>, EksError> {
        let answer = self.0.describe_cluster_versions(target).await;
        if let Ok(versions) = &answer {
            assert!(versions.len() <= 10_000, "{}", versions.len());
            for offer in versions {
                assert_text("a status", &offer.status, 128);
            }
        }
        bounded(answer)
    }

    async fn update_cluster_version(
        &self,
        target: &Target,
        request: &VersionRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        let answer = self.0.update_cluster_version(target, request, fence);
        update_bounded(answer.await)
    }

    async fn cancel_update(
        &self,
        target: &Target,
        request: &CancelRequest,
        fence: &Fence,
    ) -> Result<UpdateView, EksError> {
        let answer = self.0.cancel_update(target, request, fence).await;
        if let Ok(view) = &answer {
            assert_eq!(view.id, request.update_id);
        }
        update_bounded(answer)
    }

    async fn list_insights(
        &self,
        target: &Target,
        category: InsightCategory,
    ) -> Result<Vec<InsightView>, EksError> {
        let answer = self.0.list_insights(target, category).await;
        if let Ok(insights) = &answer {
            assert!(insights.len() <= 10_000, "{}", insights.len());
            for InsightView {
                id,
                name,
                status,
                reason,
            } in insights
            {
                assert_text("id", id, 128);
                assert_text("name", name, 1024);
                assert_text("status", status, 128);
                assert_text("reason", reason, 1024);
            }
        }
        bounded(answer)
    }

    async fn describe_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        refresh_bounded(self.0.describe_insights_refresh(target).await)
    }

    async fn start_insights_refresh(&self, target: &Target) -> Result<RefreshView, EksError> {
        refresh_bounded(self.0.start_insights_refresh(target).await)
    }

    async fn list_nodegroups(&self, target: &Target) -> Result<Vec<String>, EksError> {
        let answer = self.0.list_nodegroups(target).await;
        if let Ok(names) = &answer {
            assert!(names.len() <= 10_000, "{}", names.len());
            assert!(names.iter().all(|name| is_update_id(name)), "{names:?}");
        }
        bounded(answer)
    }

    async fn describe_nodegroup(
        &self,
        target: &Target,
        name: &str,
    ) -> Result<NodegroupView, EksError> {
        let answer = self.0.describe_nodegroup(target, name).await;
        if let Ok(group) = &answer {
            assert_eq!(group.name, name);
            assert_text("version", &group.version, 128);
        }
        bounded(answer)
    }
}

fn refresh_bounded(answer: Result<RefreshView, EksError>) -> Result<RefreshView, EksError> {
    if let Ok(RefreshView {
        status: RefreshStatus::Failed(word),
        ..
    }) = &answer
    {
        assert_text("status", word, 128);
    }
    bounded(answer)
}

fn update_bounded(answer: Result<UpdateView, EksError>) -> Result<UpdateView, EksError> {
    if let Ok(UpdateView {
        id,
        kind,
        status,
        to_version,
        created_at,
        errors,
        cancellation,
    }) = &answer
    {
        assert!(is_update_id(id), "{id:?}");
        assert_text("type", kind, 128);
        if let Some(Cancellation { status, reason }) = cancellation {
            assert_text("cancellation", status, 128);
            assert_text("reason", reason, 1024);
        }
        if let Progress::Other(word) = status {
            assert_text("status", word, 128);
        }
        assert_text("version", to_version.as_deref().unwrap_or_default(), 128);
        assert!(
            created_at.is_none_or(|at| at.as_second() >= 0),
            "{created_at:?}"
        );
        assert!(errors.len() <= 16, "{}", errors.len());
        for UpdateError {
            code,
            message,
            resource_ids,
        } in errors
        {
            assert_text("code", code, 128);
            assert_text("message", message, 1024);
            assert!(resource_ids.len() <= 64, "{}", resource_ids.len());
            for id in resource_ids {
                assert_text("resource", id, 128);
            }
        }
    }
    bounded(answer)
}

fn bounded<T>(answer: Result<T, EksError>) -> Result<T, EksError> {
    answer.inspect_err(|error| {
        let EksError {
            kind: _,
            operation: _,
            code,
            message,
            request_id,
            clock_behind: _,
        } = error;
        assert_text("code", code, 128);
        assert_text("message", message, 500);
        assert_text("request id", request_id.as_deref().unwrap_or_default(), 128);
        assert!(!code.is_empty() && !message.is_empty(), "{error:?}");
    })
}

async fn hold(eks: &Shared, status: &Value) {
    let mut spec = spec();
    for field in ["roleArn", "externalId"] {
        spec.as_object_mut().unwrap().remove(field);
    }
    let world = World::new(object(&spec, status), eks.clone());
    // What goes wrong is said at the third look.
    world.looks(4).await;
    let store = &world.ctx.store;
    for status in &store.written() {
        assert_status(status, &store.object());
    }
    for note in &store.published() {
        assert_published(note);
    }
    assert!(world.reason().is_some(), "{:?}", store.object());
}

#[test]
fn whatever_eks_answers_is_taken_within_bounds() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let script: Arc<Mutex<Option<Answers>>> = Arc::default();
    let (eks, _server) = runtime.block_on(async {
        let told = Arc::clone(&script);
        let server = Server::start(move |asked| {
            let answers = told.lock().unwrap();
            answers
                .as_ref()
                .map_or(Reply::Close, |answers| answers.reply(asked))
        })
        .await;
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .endpoint_url(&server.url)
            // Some of the answers never end.
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(Duration::from_millis(250))
                    .build(),
            )
            .credentials_provider(Credentials::new(
                "AKIDOPERATOR",
                "secret",
                None,
                None,
                "test",
            ))
            .load()
            .await;
        (
            Shared(Arc::new(AwsEks::new(config, Arc::new(())).await)),
            server,
        )
    });
    for_all(
        250,
        100,
        || (answers(), select(statuses())),
        move |(answers, status)| {
            *script.lock().unwrap() = Some(answers);
            runtime.block_on(hold(&eks, &status));
        },
    );
}
