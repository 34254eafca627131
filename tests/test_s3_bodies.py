"""Memory of large bodies: used again, and never while somebody looks at it."""

from bucketline.stores.s3.bodies import Bodies


def _filled(bodies: Bodies, body: bytes) -> memoryview:
    memory = bodies.take()
    memory.write(body)
    return bodies.view(memory)


def test_memory_is_used_again_when_nobody_looks_at_it() -> None:
    bodies = Bodies()
    first = bodies.take()
    first.write(b"first")
    view = bodies.view(first)
    assert bytes(view) == b"first"
    del view
    assert bodies.take() is first


def test_a_body_stays_what_it_was_while_there_is_a_view_of_it() -> None:
    bodies = Bodies()
    one = _filled(bodies, b"one")
    tail = one[1:]
    del one
    other = _filled(bodies, b"other")
    assert (bytes(tail), bytes(other)) == (b"ne", b"other")


def test_memory_that_an_exchange_fills_is_not_given_to_another() -> None:
    bodies = Bodies()
    assert bodies.take() is not bodies.take()


def test_a_shorter_body_shows_nothing_of_the_one_before() -> None:
    bodies = Bodies()
    _filled(bodies, b"a long one")
    assert bytes(_filled(bodies, b"ab")) == b"ab"


def test_very_large_memory_is_not_kept() -> None:
    bodies = Bodies()
    memory = bodies.take()
    memory.write(bytes((32 << 20) + 1))
    bodies.view(memory)
    assert bodies.take() is not memory
