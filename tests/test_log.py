"""The log: one line an event, and nothing in it that a caller chose."""

import logging

from bridge.errors import StoreError
from bridge.log import OneLine, told


def logged(error: Exception) -> str:
    try:
        raise error
    except Exception as raised:
        info = (type(raised), raised, raised.__traceback__)
    return OneLine(journal=False).format(
        logging.LogRecord("aftertone.x", logging.ERROR, __file__, 1, "a call failed", (), info)
    )


def test_an_error_that_quotes_a_caller_is_told_by_its_kind_and_place_alone() -> None:
    line = logged(ValueError("invalid literal: 'Anna Weber +4930123456'"))
    assert "a call failed\\nValueError\\n" in line and "in logged\\n" in line
    assert "Anna" not in line and "4930123456" not in line
    assert "\n" not in line


def test_our_own_words_are_told_and_what_led_to_them_without_its_words() -> None:
    caller = "Anna Weber"
    try:
        try:
            raise KeyError(caller)
        except KeyError as error:
            raise StoreError("database or disk is full") from error
    except StoreError as error:
        text = told(error)
    assert text.startswith("KeyError\n") and "StoreError: database or disk is full\n" in text
    assert caller not in text
