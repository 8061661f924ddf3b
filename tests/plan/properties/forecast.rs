//! What is foretold of an object that nobody has.

use eks_upgrade_operator::plan::{Action, decide, forecast};
use proptest::prelude::*;

use super::{cases, facts};

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn a_forecast_is_the_decision_and_shows_each_hop_that_would_start(owned in facts()) {
        let owned = owned.asked();
        let facts = owned.facts();
        let told = forecast(&facts);
        let decided = decide(&facts);
        if let Some(Action::Send(request)) = &decided.action
            && facts.memory.update.as_ref().is_none_or(|update| !update.is_open_intent())
        {
            let plan = told.plan.as_ref().unwrap();
            prop_assert_eq!(plan.steps[0].to, request.version);
            let is_rollback = request.rollback_timeout.is_some();
            let checks = told.preflight.as_ref().map(|checks| checks.version);
            prop_assert!(is_rollback || checks == Some(request.version), "{:?}", checks);
        }
        prop_assert_eq!(told.decision, decided);
    }
}
