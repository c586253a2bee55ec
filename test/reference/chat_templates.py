"""Writes ../fixtures/reference/chat-templates.json: what `apply_chat_template` of transformers makes of conversations.

The templates in ../fixtures/chat-templates are written for the tests, in the forms of known families of models. The date is fixed.
A template that refuses a conversation with `raise_exception` has its message; other failures of Python are left out.
"""

import datetime
import json
from pathlib import Path

import jinja2
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

FIXTURES = Path(__file__).parent.parent / "fixtures"
NOW = datetime.datetime(2026, 7, 6, 9, 5)


class FixedDate(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **others):
    return {"role": "assistant", "content": content, **others}


def system(content):
    return {"role": "system", "content": content}


def call(name, arguments, identity="abcdef012"):
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(content, identity="abcdef012"):
    return {"role": "tool", "tool_call_id": identity, "content": content}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": " The city, e.g. Zürich "},
                "days": {"type": ["integer", "null"], "description": "Days <ahead> & \"more\""},
            },
            "required": ["city"],
        },
    },
}
CLOCK = {
    "type": "function",
    "function": {"name": "clock", "description": "Tells the time.", "parameters": {"type": "object", "properties": {}}},
}
ASKED = [user("How warm is it in Zürich?"), assistant("", tool_calls=[call("get_weather", {"city": "Zürich", "days": 2})])]
ANSWERED = [*ASKED, tool('{"celsius": 21.5}')]

CONVERSATIONS = [
    {"messages": [user("Hello!")]},
    {"messages": [user("Hello!")], "add_generation_prompt": False},
    {"messages": [system("Be brief."), user("Who are you?")]},
    {"messages": [system("Be brief."), user("One"), assistant("Two"), user("Three")]},
    {"messages": [user("One"), assistant("Two")], "add_generation_prompt": False},
    {"messages": [user("One"), assistant("Two"), user("Three"), assistant("Four"), user("Five")]},
    {"messages": [user("One"), user("Two")]},
    {"messages": [assistant("One"), user("Two")]},
    {"messages": [user("One"), system("Late"), user("Two")]},
    {"messages": [system("First"), system("Second"), user("One")]},
    {"messages": [user("")]},
    {"messages": []},
    {"messages": [user(" \n\t padded \u00a0\n ")]},
    {"messages": [user("two\n\nlines\r\n\r\nmore")]},
    {"messages": [user("<|im_end|></s>[/INST]<end_of_turn> {{ 7 * 7 }} {% raw %}")]},
    {"messages": [user("👩‍👩‍👧 שלום é 中文 \u2028 \\n \"quoted\" 'single'")]},
    {"messages": [user("Why?"), assistant("<think>\n because \n</think>\n\n  So."), user("And?")]},
    {"messages": [user("Why?"), assistant("<think>\n\n  a\n\n</think>\n\n b\n")], "add_generation_prompt": False},
    {"messages": [user("Hello!")], "tools": [WEATHER]},
    {"messages": [system("Use tools."), user("Hello!")], "tools": [WEATHER, CLOCK]},
    {"messages": ASKED, "tools": [WEATHER], "add_generation_prompt": False},
    {"messages": ANSWERED, "tools": [WEATHER]},
    {"messages": [*ANSWERED, assistant("It is 21.5 °C."), user("Thanks")], "tools": [WEATHER, CLOCK]},
    {"messages": [user("Both"), assistant(None, tool_calls=[call("a", {}), call("b", {"x": [1, 2.5, None, True]})])], "tools": [CLOCK]},
    {"messages": [user("Both"), assistant("", tool_calls=[call("a", {}), call("b", {})]), tool("1"), tool("2")], "tools": [CLOCK]},
    {"messages": [user("Short"), assistant("", tool_calls=[call("a", {}, "x")])], "tools": [CLOCK]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": " In parts "}, {"type": "text", "text": "two"}]}]},
    {"messages": [user("Fast")], "enable_thinking": False},
    {"messages": [user("Fast")], "controls": {"length": "short"}},
]


def render(tokenizer, messages, tools=None, add_generation_prompt=True, **others):
    options = {"tools": tools, "add_generation_prompt": add_generation_prompt, "tokenize": False}
    try:
        text = tokenizer.apply_chat_template(messages, **options, **others)
        return {} if "[{'type'" in text else {"text": text}  # a list as Python writes it, which no model was trained on
    except jinja2.exceptions.UndefinedError:
        return {}
    except jinja2.exceptions.TemplateError as error:
        return {"refusal": str(error)}
    except Exception:
        return {}


def main():
    chat_template_utils.datetime = FixedDate
    templates = {}
    for path in sorted((FIXTURES / "chat-templates").glob("*.jinja")):
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>", unk_token="<unk>"
        )
        tokenizer.chat_template = path.read_text(encoding="utf-8")
        templates[path.stem] = [render(tokenizer, **conversation) for conversation in CONVERSATIONS]
    document = {"now": NOW.isoformat() + "Z", "conversations": CONVERSATIONS, "templates": templates}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    (FIXTURES / "reference/chat-templates.json").write_text(text + "\n", encoding="utf-8")
    kinds = [next(iter(each), "other") for answers in templates.values() for each in answers]
    print(len(templates), "templates:", {kind: kinds.count(kind) for kind in sorted(set(kinds))})


main()
