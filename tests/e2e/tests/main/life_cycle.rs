//! Time passing over leases: expiry, reclamation, decline probation.

super::both::claims! { V4, life_cycle:
    expired_lease_is_reclaimed_and_then_removed
    active_lease_is_not_given_to_another_client_and_an_expired_one_is
    declined_address_comes_back_after_its_probation
    declined_address_stays_declined_over_a_restart
    released_address_is_free_for_another_client_at_once
}
