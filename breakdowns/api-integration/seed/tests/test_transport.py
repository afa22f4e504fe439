"""The words that all parts of the client share."""

from shop.transport import Answer, Request


def test_a_request_and_an_answer_without_headers_have_none():
    assert dict(Request("/orders").headers) == {}
    assert dict(Answer(204).headers) == {}
