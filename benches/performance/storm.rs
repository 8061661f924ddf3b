//! EKS throttles: how much longer a fleet takes than the quota requires, how many calls are wasted, and whether anybody waits
//! for long while others go on.

use std::time::Duration;

use eks_upgrade_operator::simulator::model::Tally;
use harness::Program;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::figure::{Figure, Measured, Series, median};
use crate::fleet;
use crate::operator::seconds;
use crate::stage::{ACCOUNT, DEADLINE, Stage, cluster, manifest};

/// Clusters in each of the two accounts.
const EACH: usize = 100;
const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/upgrades";
/// What EKS allows each account in a second, and at once.
const QUOTA: f64 = 20.0;
const FLAG: &str = "--eks-requests-per-second";
/// Somebody who is not served by then is starved.
const PATIENCE: Duration = Duration::from_mins(15);

/// One run of the fleet.
struct Run {
    /// Seconds from the start of the operator to each cluster's end, ascending.
    ends: Vec<f64>,
    /// The most calls that an account made.
    most: f64,
    calls: f64,
    throttled: f64,
}

pub async fn measure(stage: &Stage, runs: usize) -> Measured {
    let mut measured = Measured::default();
    let free = run(stage, None, &[]).await;
    let minimum = (free.most - QUOTA) / QUOTA;
    measured.figures.push(Figure::of(
        "unlimited",
        "time where nobody limits",
        "s",
        &[free.ends[free.ends.len() - 1]],
    ));
    measured.figures.push(Figure::of(
        "minimum",
        "the minimum that the quota allows",
        "s",
        &[minimum],
    ));
    measured.notes.push(format!(
        "{} clusters in two accounts, one hop each; EKS allows each account {QUOTA} requests a second. Where nobody limits, \
         the busier account makes {} calls; less the {QUOTA} that EKS allows at once, the quota lets them pass in {minimum:.0} s.",
        2 * EACH,
        free.most
    ));
    let quota = QUOTA.to_string();
    let configured = [FLAG, &quota];
    let modes: [(&str, &str, &[&str], f64, f64); 2] = [
        ("configured", "quota configured", &configured, 1.1, 2.0),
        ("learned", "quota learned", &[], 1.3, 5.0),
    ];
    for (id, words, args, longest, wasted) in modes {
        if !args.is_empty() && !knows_flag().await {
            let note = format!(
                "The operator does not know {FLAG}: with the quota configured nothing was measured."
            );
            println!("  {note}");
            measured.notes.push(note);
            continue;
        }
        let mut results = Vec::new();
        for _ in 0..runs {
            results.push(run(stage, Some(QUOTA), args).await);
        }
        let values = |of: &dyn Fn(&Run) -> f64| results.iter().map(of).collect::<Vec<f64>>();
        let total = |run: &Run| run.ends[run.ends.len() - 1];
        measured.figures.extend([
            Figure::of(
                format!("{id}-time"),
                format!("total time, {words}"),
                "s",
                &values(&total),
            ),
            Figure::of(
                format!("{id}-ratio"),
                format!("total time to the minimum, {words}"),
                "x",
                &values(&|run| total(run) / minimum),
            )
            .at_most(longest),
            Figure::of(
                format!("{id}-throttled"),
                format!("throttled calls, {words}"),
                "%",
                &values(&|run| run.throttled / run.calls * 100.0),
            )
            .at_most(wasted),
            Figure::of(
                format!("{id}-calls"),
                format!("calls to those without a limit, {words}"),
                "x",
                &values(&|run| run.calls / free.calls),
            ),
            Figure::of(
                format!("{id}-fairness"),
                format!("last cluster's end to the median one's, {words}"),
                "x",
                &values(&|run| total(run) / median(&run.ends)),
            ),
        ]);
        let ends = &results[0].ends;
        // A plot needs no more than hundredths.
        let done = |(n, at): (usize, &f64)| ((at * 100.0).round() / 100.0, (n + 1) as f64);
        measured.series.push(Series {
            id: id.to_owned(),
            what: words.to_owned(),
            points: ends.iter().enumerate().map(done).collect(),
        });
    }
    measured
}

async fn knows_flag() -> bool {
    let mut help = Program::new(env!("CARGO_BIN_EXE_eks-upgrade-operator"))
        .args(["run", "--help"])
        .start()
        .unwrap();
    help.wait(DEADLINE).await.unwrap();
    help.lines().iter().any(|line| line.contains(FLAG))
}

async fn run(stage: &Stage, quota: Option<f64>, more: &[&str]) -> Run {
    let accounts = [ACCOUNT, OTHER];
    let names = || {
        accounts
            .iter()
            .flat_map(|account| (0..EACH).map(move |n| (*account, format!("c-{account}-{n}"))))
    };
    let clusters: Vec<Value> = names()
        .map(|(account, name)| {
            let mut cluster = cluster(&name);
            cluster["accountId"] = json!(account);
            cluster
        })
        .collect();
    let mut scenario = json!({"durations": {"update": "2s"}, "clusters": clusters});
    if let Some(quota) = quota {
        scenario["requestsPerSecond"] = json!(quota);
    }
    let eks = stage.simulator(&scenario).await;
    let namespace = stage.namespace("storm").await;
    let api = stage.objects(&namespace);
    let manifests = names()
        .map(|(account, name)| {
            let mut manifest = manifest(&name, "1.34");
            manifest["spec"]["cluster"]["accountId"] = json!(account);
            if account == OTHER {
                manifest["spec"]["roleArn"] = json!(ROLE);
            }
            manifest
        })
        .collect();
    fleet::create(&api, manifests).await;
    let role = format!("{namespace}={ROLE}");
    let args = ["--poll-interval", "5s", "--resync-interval", "1h"];
    let many = ["--max-running-updates", "1000", "--allow-role", &role];
    let args = [args.as_slice(), &many, more].concat();
    let operator = stage.operator(&namespace, &eks, &args);
    let ready = fleet::until_ready(&api, "1.34", 2 * EACH, PATIENCE).await;
    let since = |at: &Timestamp| seconds(operator.started, *at);
    let mut ends: Vec<f64> = ready.values().map(since).collect();
    ends.sort_by(f64::total_cmp);
    let tally = eks.tally(0, "").await;
    let accepted: usize = tally.operations.values().map(|of| of.accepted).sum();
    assert_eq!(
        accepted,
        2 * EACH,
        "violated invariant: not one accepted update per cluster"
    );
    let (calls, throttled, most) = count(&tally, &accounts);
    operator.end().await;
    eks.end().await;
    fleet::delete(&api).await;
    Run {
        ends,
        most,
        calls,
        throttled,
    }
}

/// All calls to EKS, those that were throttled, and those of the busier account.
fn count(tally: &Tally, accounts: &[&str]) -> (f64, f64, f64) {
    let of_eks: Vec<_> = tally
        .operations
        .iter()
        .filter(|(operation, _)| !operation.is_sts())
        .map(|(_, of)| of)
        .collect();
    let calls: usize = of_eks.iter().map(|of| of.calls).sum();
    let throttled: usize = of_eks
        .iter()
        .filter_map(|of| of.errors.get("ThrottlingException"))
        .sum();
    let of_account = |account: &&str| -> usize {
        of_eks
            .iter()
            .filter_map(|of| of.accounts.get(*account))
            .sum()
    };
    let most = accounts.iter().map(of_account).max().unwrap_or_default();
    (calls as f64, throttled as f64, most as f64)
}
