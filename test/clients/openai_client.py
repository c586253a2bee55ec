"""openai of PyPI, unchanged. Usage: openai_client.py <endpoint> <s3 endpoint> <data bucket> <endpoint of streams>"""

import asyncio
import json
import sys
from pathlib import Path

import openai
from checks import check, end, equal, refused
from openai import AsyncOpenAI, OpenAI

endpoint, _, _, streams = sys.argv[1:5]
whole = OpenAI(base_url=f"{endpoint}/v1", api_key="none", max_retries=0)
client = OpenAI(base_url=f"{streams}/v1", api_key="none", max_retries=0)
HELLO = [{"role": "user", "content": "Hello there"}]
GREEDY = {"model": "chat", "messages": HELLO, "temperature": 0, "max_tokens": 8}
SPEECH = Path(__file__).parents[2] / "test/fixtures/audio/pcm-16.wav"


def chat():
    completion = client.chat.completions.create(**GREEDY)
    equal(completion.choices[0].finish_reason, "length")
    equal(completion.usage.completion_tokens, 8)
    return completion.choices[0].message.content


def stream():
    chunks = list(client.chat.completions.create(**GREEDY, stream=True, stream_options={"include_usage": True}))
    equal(chunks[-1].usage.completion_tokens, 8)
    equal("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices), chat())


def abort():
    long = {**GREEDY, "max_tokens": 4000, "logit_bias": {"2": -100}}
    with client.chat.completions.create(**long, stream=True) as chunks:
        for _ in chunks:
            break
    chat()  # the function answers one request at a time


async def side_by_side():
    async with AsyncOpenAI(base_url=f"{streams}/v1", api_key="none", max_retries=0) as many:
        answers = await asyncio.gather(*[many.chat.completions.create(**GREEDY) for _ in range(3)])
    equal(len({answer.choices[0].message.content for answer in answers}), 1)


def template():
    extra = {"chat_template_kwargs": {"enable_thinking": False}, "min_p": 0.1}
    equal(len(client.chat.completions.create(**GREEDY, extra_body=extra).choices), 1)


def structured():
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    asked = {**GREEDY, "max_tokens": 200}
    content = client.chat.completions.create(**asked, response_format=form).choices[0].message.content
    equal(isinstance(json.loads(content)["ok"], bool), True)
    tools = [{"type": "function", "function": {"name": "answer", "parameters": schema}}]
    choice = {"type": "function", "function": {"name": "answer"}}
    message = client.chat.completions.create(**asked, tools=tools, tool_choice=choice).choices[0].message
    equal(list(json.loads(message.tool_calls[0].function.arguments)), ["ok"])


def completions():
    equal(len(client.completions.create(model="chat", prompt=["Once", "Twice"], max_tokens=4, logprobs=2).choices), 2)


def embeddings():
    asked = {"model": "tiny-bert-sentences", "input": ["A sentence.", "Another one."]}
    packed = whole.embeddings.create(**asked).data
    plain = whole.embeddings.create(**asked, encoding_format="float").data
    assert all(abs(one - other) < 1e-6 for one, other in zip(packed[1].embedding, plain[1].embedding))
    equal(len(whole.embeddings.create(**asked, dimensions=4).data[0].embedding), 4)


def speech():
    equal(isinstance(whole.audio.transcriptions.create(model="tiny-wav2vec2", file=SPEECH).text, str), True)
    words = whole.audio.transcriptions.create(
        model="tiny-wav2vec2", file=SPEECH, response_format="verbose_json", timestamp_granularities=["word"]
    )
    equal(words.duration > 0, True)
    equal(isinstance(whole.audio.transcriptions.create(model="tiny-whisper", file=SPEECH, response_format="srt"), str), True)
    equal(isinstance(whole.audio.translations.create(model="tiny-whisper", file=SPEECH).text, str), True)


def models():
    names = [model.id for model in whole.models.list()]
    equal("chat" in names and "iris" in names, True)
    equal(whole.models.retrieve("chat/1").id, "chat/1")


def failing(kind, **changes):
    try:
        client.chat.completions.create(**{**GREEDY, **changes})
    except kind as error:
        return error
    raise AssertionError("it was answered")


def errors():
    equal(failing(openai.NotFoundError, model="nobody").code, "model_not_found")
    equal("temperature" in failing(openai.BadRequestError, temperature=-1).message, True)
    equal("alternate" in failing(openai.UnprocessableEntityError, model="strict", messages=HELLO * 2).message, True)


check("chat.completions.create", chat)
check("chat.completions.create, stream", stream)
check("a stream that is left frees the model", abort)
check("AsyncOpenAI, three at a time", lambda: asyncio.run(side_by_side()))
check("extra_body", template)
check("response_format and tool_choice", structured)
check("completions.create", completions)
check("embeddings.create, as base64 and as numbers", embeddings)
check("audio", speech)
check("models.list and models.retrieve", models)
check("errors", errors)
check("an unknown field is refused", lambda: refused(lambda: client.chat.completions.create(**GREEDY, modalities=["audio"]), "modalities"))
end()
