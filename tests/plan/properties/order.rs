//! EKS promises no order of its list.

use eks_upgrade_operator::eks::UpdateView;
use proptest::prelude::*;

use super::super::owned::Owned;
use super::{cases, facts};

/// The list in another order, with some of it twice. No id means two things: each is described once.
fn shuffled() -> impl Strategy<Value = (Owned, Vec<UpdateView>)> {
    let listed = facts().prop_filter_map("nothing listed", |mut owned| {
        let Some(Ok(updates)) = &mut owned.observed.updates else {
            return None;
        };
        updates.sort_by(|one, other| one.id.cmp(&other.id));
        updates.dedup_by(|one, other| one.id == other.id);
        (updates.len() > 1).then_some(owned)
    });
    listed.prop_flat_map(|owned| {
        let updates = owned.listed().cloned().unwrap_or_default();
        let twice = proptest::sample::subsequence(updates.clone(), 0..=updates.len());
        let other = twice
            .prop_map(move |twice| [updates.clone(), twice].concat())
            .prop_shuffle();
        (Just(owned), other)
    })
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn the_order_of_the_list_and_what_is_in_it_twice_do_not_matter((owned, listed) in shuffled()) {
        let mut other = owned.clone();
        other.observed.updates = Some(Ok(listed));
        prop_assert_eq!(other.decide(), owned.decide());
    }
}
