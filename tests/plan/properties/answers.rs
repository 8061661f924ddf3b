//! What an answer to a send changes.

use eks_upgrade_operator::api::Update;
use eks_upgrade_operator::plan::{Sent, answered};
use proptest::prelude::*;

use super::super::arbitrary::{failure, view};
use super::{cases, facts};

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn an_answer_closes_nothing_but_an_open_intent(owned in facts(), view in view(), failure in failure()) {
        for sent in [Sent::Accepted(view), Sent::NotAccepted(failure), Sent::Dropped] {
            let decision = answered(&owned.memory, &sent, &owned.settings, owned.now);
            prop_assert_eq!(&decision.action, &None);
            prop_assert_eq!(decision.memory.attempts, owned.memory.attempts);
            prop_assert_eq!(&decision.memory.history, &owned.memory.history);
            let is_open = owned.memory.update.as_ref().is_some_and(Update::is_open_intent);
            if !is_open && !matches!(sent, Sent::Accepted(_)) {
                prop_assert_eq!(&decision.memory, &owned.memory);
            }
            if let Some(before) = &owned.memory.update {
                let after = decision.memory.update.as_ref().unwrap();
                prop_assert_eq!(&after.client_request_token, &before.client_request_token);
                prop_assert!(before.id.is_none() || after.id == before.id);
            }
        }
    }
}
