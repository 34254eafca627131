"""Which test proves which row of the fault matrix, F1 to F16, as far as direct transfer goes."""

from __future__ import annotations

# Row -> what it is about, and the tests that prove it. What concerns relay volumes and staging
# (power loss and full disks of a volume, staged files) is proven with the relay, not here.
CLAIMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "F1": (
        "kill -9 at random and at every named point",
        (
            "test_a_killed_sync_finishes_when_it_is_started_again",
            "test_killed_at_a_named_point_it_goes_on",
            "test_killed_at_random_requests_it_goes_on",
            "test_a_killed_apply_goes_on_where_it_was",
            "test_what_is_proven_is_not_read_again_in_the_same_round",
        ),
    ),
    "F2": (
        "power loss: the ledger, and files of a target folder",
        (
            "test_a_power_cut_at_any_moment_loses_and_tears_nothing",
            "test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_answer",
        ),
    ),
    "F3": (
        "storms of 503, 5xx, 429, errors in a 200, trickling bodies",
        (
            "test_a_fault_that_passes_is_overcome",
            "test_a_wrong_answer_is_found_out_and_asked_for_again",
            "test_retry_after_is_read_as_seconds",
            "test_an_error_in_the_body_of_a_success_is_an_error",
        ),
    ),
    "F4": (
        "truncated, longer, damaged and others' bodies; missing and unusual etags; packed bytes",
        (
            "test_a_wrong_answer_is_found_out_and_asked_for_again",
            "test_an_answer_that_stays_wrong_fails_its_objects_by_cause",
            "test_packed_bytes_arrive_packed",
        ),
    ),
    "F5": (
        "resets before, in and after; unknown outcomes of PUT and Complete",
        (
            "test_a_fault_loses_nothing_and_is_told_as_it_was",
            "test_a_begin_whose_answer_is_lost_leaves_nothing_behind",
            "test_finished_already_is_a_success_when_the_object_is_the_one",
        ),
    ),
    "F6": (
        "endpoints dead, back, slow, black-holed; certificates; redirects",
        (
            "test_one_of_three_dies_comes_back_and_another_turns_slow",
            "test_all_go_away_the_run_waits_says_so_and_goes_on",
            "test_a_network_that_loses_big_packets_is_left_for_the_other_one",
            "test_a_certificate_that_is_not_trusted_takes_one_out_at_once",
            "test_no_redirect_leads_credentials_to_a_stranger",
        ),
    ),
    "F7": (
        "clocks that are far off, and times of files",
        (
            "test_a_clock_that_jumps_in_mid_run_stops_nothing",
            "test_a_clock_that_is_far_off_is_corrected_from_the_first_answer",
            "test_a_skew_that_stays_is_told",
            "test_a_clock_that_was_set_back_makes_nothing_believed",
        ),
    ),
    "F8": (
        "keys that expire or rotate, missing rights, buckets that go",
        (
            "test_keys_that_change_in_mid_run_are_read_again",
            "test_a_target_that_only_reads_ends_the_run",
            "test_a_bucket_that_is_deleted_in_mid_run_ends_it",
            "test_keys_that_were_only_taken_away_end_the_run",
            "test_a_fault_that_lasts_is_told_by_key_and_cause",
        ),
    ),
    "F9": (
        "disks that are full or read-only, ledgers that are lost or damaged (volumes: the relay)",
        (
            "test_a_batch_that_does_not_fit_on_the_disk_leaves_no_trace",
            "test_a_ledger_that_was_lost_or_put_back_costs_no_truth",
            "test_a_full_disk_under_the_ledger_ends_the_run_and_no_fate_is_made_up",
            "test_a_target_folder_that_takes_no_more_ends_the_run_and_shows_no_part_of_a_file",
            "test_a_damaged_file_is_refused_with_a_remedy",
            "test_a_full_disk_is_told_and_leaves_nothing",
        ),
    ),
    "F10": (
        "listings that lie, and objects that change between list and get",
        (
            "test_whatever_a_server_does_no_key_is_lost_in_silence",
            "test_lies_are_found_out_or_do_no_harm",
            "test_what_was_deleted_since_it_was_listed_is_told",
            "test_what_changed_since_it_was_listed_arrives_as_it_is_now",
            "test_what_appears_while_the_run_is_under_way_comes_with_the_next",
        ),
    ),
    "F11": (
        "odd sizes and parts",
        (
            "test_odd_parts_in_any_order_become_the_object",
            "test_what_is_written_is_read_back",
            "test_what_is_no_longer_planned_is_removed",
        ),
    ),
    "F12": (
        "hostile keys, on every server and out of no folder",
        (
            "test_hostile_keys_come_unharmed_through_two_buckets_a_folder_and_back",
            "test_a_folder_holds_a_key_or_refuses_it_by_name",
            "test_nothing_is_written_read_or_deleted_through_a_linked_folder",
        ),
    ),
    "F13": (
        "deletes that must be refused",
        (
            "test_an_empty_source_deletes_nothing",
            "test_more_deletes_than_allowed_are_refused",
            "test_a_filter_that_leaves_nothing_of_the_source_deletes_nothing",
            "test_a_listing_that_is_always_cut_stops_the_run_and_deletes_nothing",
        ),
    ),
    "F14": (
        "two instances of one job; processes that stand still",
        (
            "test_a_second_instance_is_refused_and_told_who_has_it",
            "test_a_second_instance_of_a_job_says_so_and_leaves",
            "test_a_server_that_stands_still_for_a_while_is_asked_again",
            "test_a_client_that_was_stopped_goes_on_over_new_connections",
        ),
    ),
    "F15": (
        "many objects under faults (10 M keys compared: bench, memory-10m)",
        ("test_one_fault_in_a_hundred_requests_leaves_nothing_undone",),
    ),
    "F16": (
        "servers of several makes: radosgw, moto, ministack, rclone serve",
        ("test_what_is_written_is_read_back",),
    ),
}
