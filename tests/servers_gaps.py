"""What each server is known to lack: test, or test[case] -> reason. Each is a strict xfail."""

from __future__ import annotations


def _keys(reason: str, *cases: str) -> dict[str, str]:
    """Hostile keys that a server cannot hold."""
    tests = ("test_a_hostile_key_is_held", "test_a_hostile_key_is_deleted_alone")
    return {f"{test}[{case}]": reason for test in tests for case in cases}


_NOT_A_PATH = (
    "leading-slash",
    "only-a-slash",
    "double-slash",
    "double-slash-in-front",
    "many-slashes",
    "dot-component",
    "dot-in-front",
    "dot-alone",
    "parent-component",
    "parent-in-front",
    "parent-alone",
    "climbing-out",
    "trailing-slash",
    "object-and-folder",
    "order-around-the-slash",
)
_NO_SECOND_USER = {"test_a_stranger_is_denied": "knows one user"}

MEMORY: dict[str, str] = {}

SPOOL = dict.fromkeys(
    (
        "test_headers_and_metadata_change_and_the_bytes_stay",
        "test_the_same_again_changes_nothing",
        "test_tags_change_alone",
        "test_tags_come_along_with_the_rest",
        "test_another_object_than_was_looked_at_is_left_as_it_is",
        "test_what_is_gone_stays_gone",
    ),
    "what is staged goes as it came: its attributes never change alone",
)

LOCAL = {
    **_keys("no path of a folder is called so", *_NOT_A_PATH),
    **_keys(
        "a name in a folder has 255 bytes at most",
        "component-of-300-bytes",
        "1024-bytes-of-4-byte-characters",
    ),
}

_ACLS = "test_an_acl_is_told_and_stays_over_a_change_of_the_rest"
_NO_LOCKS = "takes ?retention for the object"
_NO_PATH = "keys are paths of a file system to it"
_NO_VERSIONS = "501: has no versions"
RCLONE = {
    **_keys(_NO_PATH, *_NOT_A_PATH),
    **_keys("takes the second of the twins for the first", "nfc-and-nfd-twins"),
    "test_a_prefix_is_a_raw_string[/]": "a prefix without its slash: lists all",
    "test_content_headers_are_kept": "loses Expires",
    "test_tags_are_kept": "takes ?tagging for the object",
    "test_tags_change_alone": "takes ?tagging for the object",
    "test_tags_come_along_with_the_rest": "takes ?tagging for the object",
    "test_an_object_in_parts_keeps_its_etag": "takes ?tagging for the object",
    _ACLS: "takes ?acl for the object",
    "test_a_lock_is_set_alone_and_told": _NO_LOCKS,
    "test_a_lock_stays_over_a_change_of_the_rest": _NO_LOCKS,
    "test_odd_parts_in_any_order_become_the_object": "the finish tells another ETag",
    "test_to_finish_again_is_a_success": "its ETags do not tell that the object is the upload's",
    "test_a_part_sent_again_replaces_the_first": "501: has passed the part on already",
    "test_a_part_that_does_not_fit_its_md5_is_refused": "forgets the whole upload over it",
    "test_what_is_archived_says_so_and_waits_for_a_thaw": "every tier is STANDARD to it",
    "test_versions_are_told_apart": _NO_VERSIONS,
    "test_a_deleted_object_comes_back_when_its_mark_is_deleted": _NO_VERSIONS,
    "test_one_version_is_deleted_for_good": _NO_VERSIONS,
    "test_a_signed_link_opens_one_object_to_anybody[no-path]": _NO_PATH,
    "test_who_does_not_sign_is_denied": "answers 400 to who does not sign",
    **_NO_SECOND_USER,
}

_NO_MD5 = "does not look at Content-MD5"
MOTO = {
    **_keys("404 for a key with a line feed", "line-feed", "both-line-ends"),
    "test_a_body_that_does_not_fit_its_md5_is_refused": _NO_MD5,
    "test_a_failed_overwrite_leaves_the_old_bytes": _NO_MD5,
    "test_a_part_that_does_not_fit_its_md5_is_refused": _NO_MD5,
    "test_an_abandoned_upload_cannot_be_finished": "500 for an upload that is gone",
    "test_a_failure_carries_the_id_that_operators_ask_for": "a 404 has no id",
    "test_a_wrong_secret_is_bad_credentials": "checks no signature",
    "test_an_unknown_access_key_is_bad_credentials": "checks no signature",
    "test_who_does_not_sign_is_denied": "serves anybody",
    **_NO_SECOND_USER,
}

MINISTACK = {
    _ACLS: "its buckets allow no ACLs",
    "test_a_wrong_secret_is_bad_credentials": "checks signatures of links alone",
    **_NO_SECOND_USER,
}

RADOSGW = {
    "test_what_is_archived_says_so_and_waits_for_a_thaw": "has no archive",
    "test_an_abandoned_upload_cannot_be_finished": "500 for an upload that is gone",
}
