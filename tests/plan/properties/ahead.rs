//! Questions that are asked at the same time.

use eks_upgrade_operator::plan::{Read, likely_parts, next_read, next_reads};
use proptest::prelude::*;

use super::{cases, facts};

proptest! {
    #![proptest_config(cases(2000))]

    /// What is asked along with the next question saves time, and nothing is done or said because of it but that more of
    /// what is to come may be shown.
    #[test]
    fn what_is_decided_does_not_depend_on_what_is_asked_together(owned in facts()) {
        let (one_by_one, together) = (owned.asked().decide(), owned.asked_together().decide());
        prop_assert_eq!(one_by_one.action, together.action);
        prop_assert_eq!(one_by_one.outcome, together.outcome);
    }

    #[test]
    fn only_a_new_wish_has_more_than_one_asked(owned in facts()) {
        let facts = owned.facts();
        let (reads, next) = (next_reads(&facts), next_read(&facts));
        prop_assert_eq!(reads.first(), next.as_ref());
        if facts.memory.observed_generation == Some(facts.object.generation) {
            prop_assert!(reads.len() <= 1, "{:?}", reads);
            prop_assert_eq!(likely_parts(&facts), []);
        }
        let changes = |read: &Read| matches!(read, Read::StartRefresh);
        prop_assert!(reads.len() <= 1 || !reads.iter().any(changes), "{:?}", reads);
    }
}
