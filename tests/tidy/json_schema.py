"""As much of JSON Schema (draft 2020-12) as gatehouse's schema uses, and of JSON with comments."""

import json
import re

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
KNOWN = {"$schema", "title", "description", "type", "properties", "required", "items", "minimum",
         "maximum", "additionalProperties", "oneOf", "anyOf", "enum", "const", "pattern", "minItems"}


def read(text):
    """The value of a JSON text with // and /* */ comments."""
    string_or_comment = r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/'
    return json.loads(re.sub(string_or_comment, lambda m: m[1] or "", text, flags=re.S))


def _is(value, kind):
    return isinstance(value, TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))


def misfits(schema, value, at=""):
    """Where `value` does not fit: JSON pointers, each with what was expected there."""
    assert schema.keys() <= KNOWN, f"{schema.keys() - KNOWN} is not understood here"
    for word, counts in (("oneOf", [1]), ("anyOf", range(1, 100))):
        fitting = [one for one in schema.get(word, ()) if not misfits(one, value, at)]
        if word in schema and len(fitting) not in counts:
            return [f"{at}: {len(fitting)} of {word}"]
    if "type" in schema and not _is(value, schema["type"]):
        return [f"{at}: {schema['type']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {schema['enum']}"]
    if "const" in schema and (value != schema["const"] or type(value) is not type(schema["const"])):
        return [f"{at}: {schema['const']}"]
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return [f"{at}: {schema['pattern']}"]
    if _is(value, "integer") and not (
            schema.get("minimum", value) <= value <= schema.get("maximum", value)):
        return [f"{at}: a number out of range"]
    found = []
    if isinstance(value, list) and len(value) < schema.get("minItems", 0):
        found.append(f"{at}: more items")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            found += misfits(schema["items"], item, f"{at}/{index}")
    if isinstance(value, dict):
        found += [f"{at}: {key}" for key in schema.get("required", ()) if key not in value]
        for key, item in value.items():
            other = schema.get("additionalProperties", {})
            inner = schema.get("properties", {}).get(key, other)
            found += [f"{at}/{key}: unknown"] if inner is False else misfits(
                {} if inner is True else inner, item, f"{at}/{key}")
    return found
