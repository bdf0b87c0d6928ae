"""Every kind of event comes back from Redis as it went in."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from app.core.events import KNOWN_TYPES, KnownEvent, UnknownEvent, parse_event
from app.core.ports import Write
from app.redis.log import RedisLog

THREAD = "acme/shop/aaaaaaaaaa"
AWKWARD = 'ü \u202e <!channel> "q" \\ \n \x00 😀 9007199254740993'
OBJECT: dict[str, Any] = {"deep": [{AWKWARD: None}, 1.5, True, [], {}], "big": 2**53 + 1}
KINDS: tuple[type[BaseModel], ...] = get_args(KnownEvent)


def example(model: type[BaseModel]) -> dict[str, Any]:
    """Build a value for every field, the optional ones too, from the model's own JSON schema."""
    schema = model.model_json_schema()
    return value_of(schema, schema.get("$defs", {}))


def value_of(schema: dict[str, Any], models: dict[str, Any]) -> Any:
    """Build a value that is not the default one for a JSON schema."""
    match schema:
        case {"$ref": reference}:
            return value_of(models[reference.rpartition("/")[2]], models)
        case {"const": value} | {"enum": [*_, value]}:
            return value
        case {"anyOf": [first, *_]}:
            return value_of(first, models)
        case {"maximum": most}:
            return most
        case {"type": "array", "items": item}:
            return [value_of(item, models), value_of(item, models)]
        case {"properties": properties}:
            return {name: value_of(each, models) for name, each in properties.items()}
        case {"type": "object", "additionalProperties": {"type": "string"}}:
            return {AWKWARD: AWKWARD}
        case {"type": "object", "additionalProperties": {"$ref": _} as each}:
            return {AWKWARD: value_of(each, models)}
        case {"type": "object"}:
            return OBJECT
        case _:
            return {"string": AWKWARD, "integer": 2**53 + 1, "number": 0.1, "boolean": True}[
                schema["type"]
            ]


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
async def test_event_comes_back_as_it_went_in(redis_log: RedisLog, model: type[BaseModel]):
    event = parse_event(example(model))
    assert type(event) is model
    await redis_log.append(Write(THREAD, [event]))
    [entry] = await redis_log.read(THREAD)
    assert type(entry.event) is model
    assert entry.event == event
    assert entry.event.model_dump() == event.model_dump()


async def test_event_of_a_newer_version_comes_back_as_it_went_in(redis_log: RedisLog):
    event = parse_event({"type": "from_tomorrow", "text": AWKWARD, "deep": {"list": [1, None]}})
    await redis_log.append(Write(THREAD, [event]))
    [entry] = await redis_log.read(THREAD)
    assert isinstance(entry.event, UnknownEvent)
    assert entry.event == event


async def test_event_with_a_newer_field_is_still_understood(redis_log: RedisLog):
    event = parse_event({"type": "stop_requested", "user": "U1", "tomorrow": 1})
    await redis_log.append(Write(THREAD, [event]))
    [entry] = await redis_log.read(THREAD)
    assert entry.event == event


@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
def test_example_sets_every_field(model: type[BaseModel]):
    event = parse_event(example(model))
    assert event.model_fields_set == set(model.model_fields)


def test_every_known_type_has_one_model():
    assert {model.model_fields["type"].default for model in KINDS} == KNOWN_TYPES
    assert len(KINDS) == len(KNOWN_TYPES)
