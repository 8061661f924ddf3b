//! Courses that are known by heart: the plain one, and those by which seeds have found something wrong.

use eks_upgrade_operator::api::{ClusterUpgradeSpec, Minor};
use eks_upgrade_operator::plan::VERSION_ROLLBACK;
use eks_upgrade_operator::simulator::Scenario;
use eks_upgrade_operator::simulator::period::Period;
use eks_upgrade_operator::simulator::scenario::{ForeignUpdate, Happening};
use simulation::course::rollbacks::Permit;
use simulation::course::{Course, Deed, Event, force, key, spec};
use simulation::run::{Options, follow};
use simulation::time::{MINUTE, Millis, SECOND};

/// Follows a course and says what happens in it.
fn outline(cluster: &str, events: Vec<(Millis, Event)>) -> Vec<String> {
    let scenario = Scenario::parse(&format!("{{clusters: [{cluster}]}}")).unwrap();
    let options = Options {
        timeline: true,
        ..Options::default()
    };
    let report = follow(Course::of(scenario.clusters, events), options);
    assert_eq!(report.violation, None, "{}", report.story());
    report.outline
}

fn created(spec: ClusterUpgradeSpec) -> Event {
    Event::Create(key("prod"), Box::new(spec), false)
}

fn person(deed: Deed) -> Event {
    Event::Person(key("prod"), deed)
}

fn elsewhere(happening: Happening) -> Event {
    Event::Cluster("prod".to_owned(), Box::new(happening))
}

#[test]
fn two_hops() {
    let course = outline(
        "{name: prod, version: '1.33'}",
        vec![(0, created(spec("prod", Minor::new(35))))],
    );
    assert_eq!(
        course,
        [
            "prod says WaitingForCluster",
            "prod says Updating, VersionUpdate to 1.34 asked for",
            "EKS starts prod to 1.34",
            "prod says Updating, VersionUpdate to 1.34 InProgress",
            "prod says Updating, VersionUpdate to 1.34 Successful",
            "prod says WaitingForCluster, VersionUpdate to 1.34 Successful",
            "prod says Updating, VersionUpdate to 1.35 asked for",
            "EKS starts prod to 1.35",
            "prod says Updating, VersionUpdate to 1.35 InProgress",
            "prod says UpToDate, VersionUpdate to 1.35 Successful",
        ]
    );
}

/// A rollback that EKS lists while it still describes the version before it was taken for a try with another hop's force
/// flag: so force "had changed" once the version was shown, and the rollback was undone.
#[test]
fn a_rollback_that_is_listed_before_it_is_shown() {
    let mut forced = spec("prod", Minor::new(35));
    forced.force = Some(force(Minor::new(35)));
    let rollback = Happening::Update(ForeignUpdate {
        kind: Some(VERSION_ROLLBACK.to_owned()),
        duration: Some(Period::minutes(1)),
        ..ForeignUpdate::default()
    });
    let course = outline(
        "{name: prod, version: '1.34', createdVersion: '1.33', lags: {version: 4m}}",
        vec![(0, elsewhere(rollback)), (90 * SECOND, created(forced))],
    );
    assert_eq!(
        course,
        [
            "elsewhere: prod VersionRollback",
            "prod says RolledBackElsewhere, VersionRollback to 1.33 Successful",
        ]
    );
}

/// The first attempt after a wiped status had the token of the first attempt of all, and EKS answered with what had failed.
#[test]
fn a_status_is_wiped_and_another_try_permitted_within_a_quarter_of_an_hour() {
    let course = outline(
        "{name: prod, version: '1.33', outcomes: [{times: 1, duration: 1m, fail: {errorCode: IpNotAvailable}}]}",
        vec![
            (0, created(spec("prod", Minor::new(34)))),
            (3 * MINUTE, person(Deed::WipeStatus)),
            (5 * MINUTE, person(Deed::Retry(0))),
        ],
    );
    assert_eq!(
        course,
        [
            "prod says WaitingForCluster",
            "prod says Updating, VersionUpdate to 1.34 asked for",
            "EKS starts prod to 1.34",
            "prod says Updating, VersionUpdate to 1.34 InProgress",
            "prod says UpdateFailed, VersionUpdate to 1.34 Failed",
            "somebody: prod WipeStatus",
            "prod says UpdateFailed, VersionUpdate to 1.34 Failed",
            "somebody: prod Retry(0)",
            "prod says WaitingForCluster, VersionUpdate to 1.34 Failed",
            "prod says Updating, VersionUpdate to 1.34 asked for",
            "EKS starts prod to 1.34",
            "prod says Updating, VersionUpdate to 1.34 InProgress",
            "prod says UpToDate, VersionUpdate to 1.34 Successful",
        ]
    );
}

/// What was repeated for 1.34 failed, and was tried again since the intent had been written for 1.36.
#[test]
fn an_edit_while_eks_is_busy() {
    let course = outline(
        "{name: prod, version: '1.33', outcomes: [{duration: 1m, fail: {errorCode: IpNotAvailable}}]}",
        vec![
            (0, elsewhere(Happening::InternalWork(Period::minutes(3)))),
            (SECOND, created(spec("prod", Minor::new(36)))),
            (MINUTE, person(Deed::Version(Minor::new(34)))),
        ],
    );
    assert_eq!(
        course,
        [
            "elsewhere: prod InternalWork(Period(3m))",
            "prod says WaitingForCluster",
            "prod says Updating, VersionUpdate to 1.34 asked for",
            "EKS answers prod to 1.34 with ResourceInUseException",
            "prod says WaitingForCluster, VersionUpdate to 1.34 asked for",
            "EKS answers prod to 1.34 with ResourceInUseException",
            "prod says WaitingForCluster, VersionUpdate to 1.34 asked for",
            "EKS answers prod to 1.34 with ResourceInUseException",
            "somebody: prod Version(Minor(34))",
            "prod says WaitingForCluster, VersionUpdate to 1.34 asked for",
            "EKS answers prod to 1.34 with ResourceInUseException",
            "prod says WaitingForCluster, VersionUpdate to 1.34 asked for",
            "EKS answers prod to 1.34 with ResourceInUseException",
            "prod says WaitingForCluster, VersionUpdate to 1.34 asked for",
            "EKS starts prod to 1.34",
            "prod says Updating, VersionUpdate to 1.34 InProgress",
            "prod says UpdateFailed, VersionUpdate to 1.34 Failed",
        ]
    );
}

/// A cluster of Auto Mode that was upgraded, and a manifest that has it taken back.
fn taken_back(after: Vec<(Millis, Event)>) -> Vec<String> {
    let mut events = vec![
        (0, created(spec("prod", Minor::new(34)))),
        (10 * MINUTE, person(Deed::RollBack(Permit::Exact, None))),
    ];
    events.extend(after);
    outline(
        "{name: prod, version: '1.33', createdVersion: '1.32', autoMode: true, durations: {update: 5m, nodePhase: 20m}}",
        events,
    )
}

#[test]
fn a_rollback() {
    let again = ForeignUpdate {
        duration: Some(Period::minutes(5)),
        ..ForeignUpdate::default()
    };
    let course = taken_back(vec![
        // Somebody upgrades again, and the permission stays as it is.
        (50 * MINUTE, elsewhere(Happening::Update(again))),
        (70 * MINUTE, person(Deed::Version(Minor::new(35)))),
    ]);
    assert_eq!(
        course,
        [
            "prod says WaitingForCluster",
            "prod says Updating, VersionUpdate to 1.34 asked for",
            "EKS starts prod to 1.34",
            "prod says Updating, VersionUpdate to 1.34 InProgress",
            "prod says UpToDate, VersionUpdate to 1.34 Successful",
            "somebody: prod RollBack(Exact, None)",
            "prod says PreflightUnknown, VersionUpdate to 1.34 Successful",
            "prod says Updating, VersionRollback to 1.33 asked for",
            "EKS starts prod to 1.33",
            "prod says Updating, VersionRollback to 1.33 InProgress",
            "prod says UpToDate, VersionRollback to 1.33 Successful",
            "elsewhere: prod an update",
            "prod says ClusterAheadOfSpec, VersionRollback to 1.33 Successful",
            "somebody: prod Version(Minor(35))",
            "prod says WaitingForCluster, VersionRollback to 1.33 Successful",
            "prod says Updating, VersionUpdate to 1.35 asked for",
            "EKS starts prod to 1.35",
            "prod says Updating, VersionUpdate to 1.35 InProgress",
            "prod says UpToDate, VersionUpdate to 1.35 Successful"
        ]
    );
}

#[test]
fn a_rollback_that_is_no_longer_asked_for() {
    let course = taken_back(vec![
        (15 * MINUTE, person(Deed::GoBackUp)),
        (30 * MINUTE, person(Deed::Version(Minor::new(33)))),
    ]);
    assert_eq!(
        course,
        [
            "prod says WaitingForCluster",
            "prod says Updating, VersionUpdate to 1.34 asked for",
            "EKS starts prod to 1.34",
            "prod says Updating, VersionUpdate to 1.34 InProgress",
            "prod says UpToDate, VersionUpdate to 1.34 Successful",
            "somebody: prod RollBack(Exact, None)",
            "prod says PreflightUnknown, VersionUpdate to 1.34 Successful",
            "prod says Updating, VersionRollback to 1.33 asked for",
            "EKS starts prod to 1.33",
            "prod says Updating, VersionRollback to 1.33 InProgress",
            "somebody: prod GoBackUp",
            "prod says Updating, VersionRollback to 1.33 InProgress",
            "EKS cancels in prod",
            "prod says Updating, VersionRollback to 1.33 InProgress",
            "prod says UpdateCancelled, VersionRollback to 1.33 Cancelled",
            "prod says UpToDate, VersionRollback to 1.33 Cancelled",
            "somebody: prod Version(Minor(33))",
            "prod says UpdateCancelled, VersionRollback to 1.33 Cancelled"
        ]
    );
}
