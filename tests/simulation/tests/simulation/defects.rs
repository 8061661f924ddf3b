//! The checks can fail: each planted defect is found, and as what it is.

use simulation::defect::Defect;
use simulation::oracle::Invariant;
use simulation::run::{Options, run};

/// A defect that is not found within so many seeds would pass.
const WITHIN: u64 = 3_000;

/// Runs seeds until one shows that something is wrong, and says how many it took.
fn found(defect: Defect, as_one_of: &[Invariant]) {
    let options = Options {
        defect: Some(defect),
        ..Options::default()
    };
    let mut first: Option<u64> = None;
    for seed in 0..WITHIN {
        let Some(violation) = run(seed, options, None).violation else {
            continue;
        };
        let first = *first.get_or_insert(seed + 1);
        if as_one_of.contains(&violation.invariant) {
            println!(
                "{defect:?}: wrong after {first} seeds, and as what it is after {}: {:?}: {}",
                seed + 1,
                violation.invariant,
                violation.what
            );
            return;
        }
    }
    panic!("{defect:?} is not found within {WITHIN} seeds (anything at all: {first:?})");
}

macro_rules! defects {
    ($($name:ident: $defect:ident as $($invariant:ident),+;)+) => {
        $(
            #[test]
            fn $name() {
                found(Defect::$defect, &[$(Invariant::$invariant),+]);
            }
        )+

        #[test]
        fn every_defect_is_looked_for() {
            assert_eq!(Defect::ALL.to_vec(), [$(Defect::$defect),+]);
        }
    };
}

defects! {
    random_token: RandomToken as Guarded, OneUpdate;
    call_before_intent: CallBeforeIntent as Guarded;
    no_guard: NoGuard as Remembers, OneUpdate, MayAct, TellsTheTruth;
    unguarded_repetition: UnguardedRepetition as Guarded;
    forget_id: ForgetId as OneUpdate, TellsTheTruth;
    adopt_by_version: AdoptByVersion as AdoptsItsOwn;
    busy_is_refusal: BusyIsRefusal as TellsTheTruth;
    active_is_done: ActiveIsDone as TellsTheTruth;
    retry_failed: RetryFailed as OneUpdate, RespectsOthers;
    lost_is_not_sent: LostIsNotSent as TellsTheTruth;
    ignore_suspend: IgnoreSuspend as MayAct;
    believe_stale_cache: BelieveStaleCache as Remembers, OneUpdate, MayAct, TellsTheTruth, Guarded;
    skip_minor: SkipMinor as AskedFor;
    send_for_cluster_ahead: SendForClusterAhead as AskedFor;
    undo_rollback: UndoRollback as RespectsOthers;
    repeat_without_looking: RepeatWithoutLooking as OneUpdate, RespectsOthers, TellsTheTruth;
    timer_decides: TimerDecides as TellsTheTruth;
    send_after_freeze: SendAfterFreeze as Guarded;
    ignore_deletion: IgnoreDeletion as MayAct;
    restless: Restless as Idle;
    gives_up: GivesUp as Progress;
    rollback_unpermitted: RollbackUnpermitted as AskedFor;
    permission_used_again: PermissionUsedAgain as OneUpdate;
    random_cancel_token: RandomCancelToken as Guarded, OneCancel;
    unguarded_cancel: UnguardedCancel as Guarded;
    cancel_of_others: CancelOfOthers as RespectsOthers;
    cancel_while_suspended: CancelWhileSuspended as MayAct;
    node_phase_is_done: NodePhaseIsDone as TellsTheTruth;
    ignore_freezes: IgnoreFreezes as Gated;
    ignore_live_freezes: IgnoreLiveFreezes as Gated;
    ignore_window_end: IgnoreWindowEnd as Gated;
    ignore_hold: IgnoreHold as Gated;
    forget_baking: ForgetBaking as Gated;
    failed_is_warning: FailedIsWarning as Gated;
    waiver_of_another_version: WaiverOfAnotherVersion as Gated;
    insights_from_before: InsightsFromBefore as Gated;
    start_on_unknown: StartOnUnknown as Gated;
}
