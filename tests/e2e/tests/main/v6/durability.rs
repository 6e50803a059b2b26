//! The promise of an acknowledgement, read off the server's system calls.

crate::main::both::claims! { V6, durability:
    acknowledgement_leaves_after_its_row_has_been_synced
    kernel_durability_writes_before_the_answer_and_does_not_sync
}
