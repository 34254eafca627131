"""What becomes of attributes: kept, mapped or refused, and never lost without a word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.flow.move.fidelity import fit
from bucketline.flow.move.traits import PROTECTIONS, dropped, traits
from bucketline.flow.move.usual import as_usual, is_proven
from bucketline.flow.move.wanted import AS_IT_IS, Fidelity, Fitted, Given
from bucketline.model import Attributes, Entry, Found
from bucketline.stores.base import Abilities

S3 = Abilities(tags=True)
FOLDER = Abilities(tags=True, is_folder=True)
BARE = Abilities(tags=False, metadata=False)  # As the adapter of an edge device.
FOREIGN = replace(S3, keeps_attributes=False, tiers=frozenset())
KMS = {"server-side-encryption": "aws:kms", "server-side-encryption-aws-kms-key-id": "k1"}
LOCKED = {
    "object-lock-mode": "GOVERNANCE",
    "object-lock-retain-until-date": "2030-01-01T00:00:00Z",
}
HELD = {"object-lock-legal-hold": "ON"}
NOW = "2026-01-01T00:00:00Z"


def fitted(
    attributes: Attributes, wish: Fidelity = AS_IT_IS, able: Abilities = S3, **more: object
) -> Fitted:
    lost = more.pop("lost", ())
    more = {"tag_count": len(attributes.tags), **more}
    told = Given(attributes, **more)  # type: ignore[arg-type]
    return fit(told, wish, able, lost)  # type: ignore[arg-type]


def said(one: Fitted) -> list[str]:
    return [change.said for change in one.changes]


WORDS = st.text(st.sampled_from("abz09-ä "), min_size=1, max_size=8)
NAMES = st.sampled_from(["content-type", "cache-control", "expires", "content-encoding"])
PROTECTED = st.fixed_dictionaries({}, optional={name: st.just("x") for name in PROTECTIONS})
ATTRIBUTES = st.builds(
    Attributes,
    headers=st.dictionaries(NAMES, WORDS),
    metadata=st.dictionaries(st.sampled_from(["a", "b", "mtime"]), WORDS),
    tags=st.dictionaries(WORDS, WORDS, max_size=3),
    tier=st.sampled_from(["", "STANDARD_IA", "GLACIER", "ODD"]),
    protection=PROTECTED,
)
WISHES = st.builds(
    Fidelity,
    tier=st.sampled_from(["", "keep", "STANDARD", "STANDARD_IA"]),
    encryption=st.sampled_from(["", "keep", "AES256", "aws:kms"]),
    acl=st.sampled_from(["", "keep", "private"]),
    lock=st.sampled_from(["", "keep"]),
    legal_hold=st.sampled_from(["", "keep", "ON"]),
    strict=st.booleans(),
)
LOST = st.sets(
    st.sampled_from(
        ["content-type", "expires", "metadata", "storage-class STANDARD_IA", *PROTECTIONS]
    )
)
KEYS, TIMES = st.sampled_from(["a", "b.txt"]), st.sampled_from([0, 7.5])
PLACES = st.sampled_from([S3, FOLDER, BARE, FOREIGN])


def parts(attributes: Attributes) -> set[str]:
    """The attributes that something is said of."""
    found = {dropped(trait).attribute for trait in traits(attributes)}
    return found | ({"tags"} if attributes.tags else set())


@settings(max_examples=150)
@given(ATTRIBUTES, WISHES, PLACES, LOST)
def test_what_is_not_written_is_told(
    attributes: Attributes, wish: Fidelity, able: Abilities, lost: set[str]
) -> None:
    attributes = replace(attributes, protection={**attributes.protection, **LOCKED})
    after = fitted(attributes, wish, able, lost=lost, way="")

    told = {change.attribute for change in after.changes}
    gone = parts(attributes) - parts(after.attributes) - told
    # A target encrypts as it pleases, and gives its owner's rights: both only where it was asked.
    allowed = {"encryption", "acl"} if "x" in attributes.protection.values() else set()
    allowed |= {"storage-class"} if wish.tier == "STANDARD" else set()
    allowed |= {"legal-hold"}  # "x" is no ON.
    assert gone <= allowed


@settings(max_examples=80)
@given(ATTRIBUTES, WISHES, PLACES, LOST)
def test_what_was_fitted_fits(
    attributes: Attributes, wish: Fidelity, able: Abilities, lost: set[str]
) -> None:
    once = fitted(attributes, wish, able, lost=lost).attributes
    twice = fitted(once, wish, able, lost=lost)

    assert twice.attributes == once


@settings(max_examples=80)
@given(ATTRIBUTES, PLACES, LOST)
def test_strictness_refuses_just_what_would_lose_something(
    attributes: Attributes, able: Abilities, lost: set[str]
) -> None:
    lax = fitted(attributes, Fidelity(), able, lost=lost)
    strict = fitted(attributes, Fidelity(strict=True), able, lost=lost)

    loses = any(change.fate == "refused" for change in lax.changes)
    assert (lax.refusal, bool(strict.refusal)) == ("", loses)


@settings(max_examples=150)
@given(
    ATTRIBUTES, PLACES, st.booleans(), st.sampled_from(["a", "b.txt"]), st.sampled_from([0, 7.5])
)
def test_the_short_path_comes_to_the_same(
    attributes: Attributes, able: Abilities, is_file: bool, key: str, modified: float
) -> None:
    attributes = replace(attributes, tags={})
    found = Found(Entry(key, 1, modified), attributes)
    short = as_usual(found, able, is_file=is_file)

    if short is not None:
        whole = fitted(attributes, able=able, is_file=is_file, key=key, modified=modified)
        assert Fitted(short) == whole


@settings(max_examples=150)
@given(ATTRIBUTES, st.sets(st.sampled_from(["content-type", "expires", "metadata"])))
def test_what_is_proven_in_short_has_no_trait_left_to_prove(
    attributes: Attributes, kept: set[str]
) -> None:
    if is_proven(attributes, kept):
        assert not set(traits(attributes)) - kept


@given(st.dictionaries(NAMES, WORDS), st.dictionaries(WORDS, WORDS))
def test_a_faithful_place_gets_all_of_it(headers: dict[str, str], tags: dict[str, str]) -> None:
    attributes = Attributes(headers, {"a": "1"}, tags, "STANDARD_IA")

    assert fitted(attributes) == Fitted(attributes)


@pytest.mark.parametrize(
    ("wish", "able", "tier", "told"),
    [
        ("", S3, "STANDARD_IA", []),
        ("", FOREIGN, "", ["in the standard storage class instead of STANDARD_IA"]),
        ("keep", FOREIGN, "STANDARD_IA", []),
        ("STANDARD", S3, "", []),
        ("GLACIER", S3, "GLACIER", []),
    ],
)
def test_a_storage_class_is_the_source_s_where_it_is_known(
    wish: str, able: Abilities, tier: str, told: list[str]
) -> None:
    after = fitted(Attributes(tier="STANDARD_IA"), Fidelity(tier=wish), able)

    assert (after.attributes.tier, said(after)) == (tier, told)


@pytest.mark.parametrize("wish", ["", "keep"])
def test_an_archive_is_written_only_by_name(wish: str) -> None:
    after = fitted(Attributes(tier="GLACIER"), Fidelity(tier=wish))

    assert after.attributes.tier == ""
    assert said(after) == ["in the standard storage class instead of GLACIER"]


def test_a_folder_notes_an_archive_for_the_way_back() -> None:
    assert fitted(Attributes(tier="GLACIER"), able=FOLDER).attributes.tier == "GLACIER"


def test_a_file_s_type_is_told_by_its_name_unless_it_has_one() -> None:
    assert fitted(Attributes(), is_file=True, key="a/b.PNG").attributes.headers == {
        "content-type": "image/png"
    }
    typed = Attributes({"content-type": "text/x-own"})
    assert fitted(typed, is_file=True, key="b.png").attributes.headers == typed.headers
    none = Fidelity(content_type="none")
    assert fitted(Attributes(), none, is_file=True, key="b.png").attributes.headers == {}
    assert fitted(Attributes(), is_file=True, key="b.unheard-of").attributes.headers == {}


def test_an_object_without_a_time_gives_its_file_the_one_it_has() -> None:
    plain = fitted(Attributes(), able=FOLDER, modified=1_600_000_000.5)
    assert plain.attributes.metadata == {"mtime": "1600000000.500000"}
    told = fitted(Attributes(metadata={"mtime": "7"}), able=FOLDER, modified=1_600_000_000.5)
    assert told.attributes.metadata == {"mtime": "7"}


def test_what_is_given_by_name_goes_before_what_there_was() -> None:
    wish = Fidelity(
        content_type="text/html", headers={"cache-control": "no-store"}, metadata={"a": "2"}
    )
    after = fitted(Attributes({"content-type": "x/y"}, {"a": "1", "b": "1"}), wish)

    assert after.attributes.headers == {"content-type": "text/html", "cache-control": "no-store"}
    assert after.attributes.metadata == {"a": "2", "b": "1"}


def test_encryption_of_the_key_service_is_told_and_kept_when_asked() -> None:
    source = Attributes(protection=KMS)
    assert said(fitted(source)) == ["encrypted as the target does it, not with aws:kms"]
    assert said(fitted(source, Fidelity(encryption="none"))) == []
    kept = fitted(source, Fidelity(encryption="keep", key_id="k2"))
    assert kept.attributes.protection == {
        "server-side-encryption": "aws:kms",
        "server-side-encryption-aws-kms-key-id": "k2",
    }
    ours = fitted(source, Fidelity(encryption="keep"))
    assert "server-side-encryption-aws-kms-key-id" not in ours.attributes.protection
    assert said(ours) == ["with aws:kms and the target's own key, as none was named"]


def test_a_lock_goes_along_when_asked_and_is_told_when_not() -> None:
    source = Attributes(protection=LOCKED | HELD)
    assert said(fitted(source, Fidelity(now=NOW))) == [
        "without object lock, which was not asked for",
        "without legal hold, which was not asked for",
    ]
    assert fitted(source, Fidelity(lock="keep", now=NOW)).attributes.protection == LOCKED | HELD
    assert said(fitted(source, Fidelity(lock="none", now=NOW))) == []
    over = fitted(source, Fidelity(lock="keep", now="2031-01-01T00:00:00Z"))
    assert over.attributes.protection == HELD


def test_grants_to_accounts_are_refused_and_those_to_everybody_kept() -> None:
    source = Attributes(protection={"acl": "public-read"})
    kept = fitted(source, Fidelity(acl="keep"), other_grants=2)
    assert kept.attributes.protection == {"acl": "public-read"}
    assert said(kept) == ["without grants to accounts, which are others at the target"]


def test_what_was_asked_for_by_name_and_is_not_kept_fails() -> None:
    asked = Fidelity(headers={"expires": "Wed, 21 Oct 2037 07:28:00 GMT"})
    assert fitted(Attributes(), asked, lost={"expires"}).refusal == (
        "it would arrive without expires, which the target does not keep,"
        " but that was asked for by name"
    )


def test_more_metadata_than_the_target_takes_is_refused_with_both_sizes() -> None:
    able = replace(S3, metadata_size_max=2048)
    assert fitted(Attributes(metadata={"a": "x" * 2047}), able=able).refusal == ""
    assert fitted(Attributes(metadata={"a": "ä" * 1024}), able=able).refusal == (
        "its metadata has 2,049 bytes and the target takes 2,048; shorten it"
    )


def test_what_is_lost_in_parts_is_no_loss_in_one_piece() -> None:
    source = Attributes({"expires": "x"})
    lost = {"expires in parts"}
    assert said(fitted(source, lost=lost)) == []
    assert said(fitted(source, lost=lost, way=" in parts")) == [
        "without expires, which the target does not keep"
    ]
