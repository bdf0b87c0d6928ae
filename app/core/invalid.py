"""What is wrong with a configuration's values, as sentences for people; knows no key."""

from typing import Any

from pydantic import ValidationError

_SENTENCES = {
    "extra_forbidden": "unknown key",
    "missing": "missing",
    "model_type": "not a table",
    "dict_type": "not a table",
    "too_short": "empty",
    "string_too_short": "empty",
    "string_type": "has to be a string",
    "list_type": "has to be a list of strings",
    "tuple_type": "has to be a list of strings",
    "bool_type": "has to be true or false",
    "int_type": "has to be a whole number",
    "int_parsing": "has to be a whole number",
    "int_from_float": "has to be a whole number",
    "float_parsing": "has to be a number",
    "finite_number": "has to be a number",
    "greater_than": "has to be more than {gt:g}",
    "greater_than_equal": "has to be at least {ge:g}",
    "less_than_equal": "has to be at most {le:g}",
    "literal_error": "has to be {expected}",
    "string_too_long": "has to have at most {max_length} characters",
}


def invalid(error: ValidationError) -> list[tuple[str, str]]:
    """Return each value that was refused: where it is ("a.0.b"), and a sentence."""
    return [
        (".".join(str(part) for part in item["loc"]), _sentence(item)) for item in error.errors()
    ]


def _sentence(item: Any) -> str:
    if sentence := _SENTENCES.get(item["type"]):
        return sentence.format(**item.get("ctx", {}))
    told = item["msg"].removeprefix("Value error, ")
    return told if item["type"] == "value_error" else told[:1].lower() + told[1:]
