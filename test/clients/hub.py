"""huggingface_hub.InferenceClient, every task that it has in common with the project. Usage: hub.py <endpoint>"""

import sys
from pathlib import Path

from checks import check, end, equal, refused
from huggingface_hub import InferenceClient

endpoint = sys.argv[1]
client = InferenceClient(timeout=300)
ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "models/efficientnet-lite0/samples/coffee.jpg"
SPEECH = ROOT / "test/fixtures/audio/pcm-16.wav"
FLOWERS = {
    "sepal length (cm)": [5.1, 6.7],
    "sepal width (cm)": [3.5, 3.0],
    "petal length (cm)": [1.4, 5.2],
    "petal width (cm)": ["0.2", "2.3"],
}


def model(name):
    return f"{endpoint}/models/{name}"


def near(got, expected):
    equal(len(got), len(expected))
    assert all(abs(one - other) < 1e-4 for one, other in zip(got, expected)), f"{got} is not {expected}"


def classify(**parameters):
    return client.text_classification("I love this phone.", model=model("sentiment"), **parameters)


def function_to_apply():
    scores = {each.label: each.score for each in classify(function_to_apply="none")}
    equal(max(scores.values()) > 1, True)


def entities(**parameters):
    return client.token_classification("Sarah lives in Zürich", model=model("tiny-bert-ner"), **parameters)


def strategies():
    for strategy in ["none", "simple", "first", "average", "max"]:
        for each in entities(aggregation_strategy=strategy):
            equal((each.entity if strategy == "none" else each.entity_group) is not None, True)
            equal(isinstance(each.start, int), True)


def similarity():
    name = model("tiny-bert-sentences")
    near(client.sentence_similarity("A sentence.", ["A sentence.", "Another one."], model=name)[:1], [1.0])


def features():
    plain = client.feature_extraction("A sentence.", model=model("tiny-bert-sentences"))
    equal(plain.ndim, 2)
    unit = client.feature_extraction("A sentence.", normalize=True, truncate=True, truncation_direction="left", model=model("tiny-bert-sentences"))
    near([float((unit**2).sum())], [1.0])


def photo(image):
    return client.image_classification(image, model=model("efficientnet-lite0"), top_k=2)


def boxes():
    for each in client.object_detection(PHOTO, model=model("tiny-detr"), threshold=0):
        equal(each.box.xmin <= each.box.xmax and each.box.ymin <= each.box.ymax, True)


def translated(**parameters):
    text = client.translation("Hello", model=model("tiny-marian"), **parameters).translation_text
    equal(isinstance(text, str), True)
    return text


def summarised(**parameters):
    text = client.summarization("The river rises in spring when the snow melts.", model=model("tiny-bart"), **parameters).summary_text
    equal(isinstance(text, str), True)
    return text


def summarised_shortly():
    equal(len(summarised(generate_parameters={"max_length": 4, "min_length": 2, "num_beams": 2})) < len(summarised()), True)


def generated():
    whole = client.text_generation("Hello", model=model("tiny-llama"), max_new_tokens=4)
    detailed = client.text_generation("Hello", model=model("tiny-llama"), max_new_tokens=4, details=True)
    equal(detailed.generated_text, whole)
    equal(detailed.details.generated_tokens, 4)
    equal("".join(client.text_generation("Hello", model=model("tiny-llama"), max_new_tokens=4, stream=True)), whole)


def sampled():
    parameters = {"do_sample": True, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "repetition_penalty": 1.1, "seed": 3}
    texts = [client.text_generation("Hello", model=model("tiny-llama"), stop=["\n"], **parameters) for _ in range(2)]
    equal(texts[0], texts[1])


def constrained():
    grammar = {"type": "json", "value": {"enum": ["yes", "no"]}}
    text = client.text_generation("Hello", model=model("tiny-llama"), max_new_tokens=40, grammar=grammar)
    equal(text in ['"yes"', '"no"'], True)


def chatted():
    """The address of the model alone: the client then sends a name of its own, and a schema in TGI's form."""
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"enum": ["yes", "no"]}}}
    messages = [{"role": "user", "content": "Hello"}]
    answer = client.chat_completion(messages, model=model("chat"), max_tokens=40, response_format=form)
    equal(answer.choices[0].message.content in ['"yes"', '"no"'], True)


check("chat_completion, json_schema", chatted)
check("text_generation, grammar", constrained)
check("text_generation, with details and as a stream", generated)
check("text_generation, sampled", sampled)
check("text_classification", lambda: equal(classify()[0].label, "POSITIVE"))
check("text_classification, top_k", lambda: equal(len(classify(top_k=1)), 1))
check("text_classification, function_to_apply", function_to_apply)
check("token_classification", entities)
check("token_classification, aggregation_strategy", strategies)
check("token_classification, ignore_labels and stride", lambda: entities(ignore_labels=["O"], stride=2))
check("feature_extraction", features)
check("sentence_similarity", similarity)
check("image_classification of bytes", lambda: equal(photo(PHOTO.read_bytes())[0].label, "espresso"))
check("image_classification of a file", lambda: equal(len(photo(PHOTO)), 2))
check("image_classification without parameters", lambda: client.image_classification(PHOTO, model=model("efficientnet-lite0")))
check("image_classification, function_to_apply", lambda: client.image_classification(PHOTO, model=model("efficientnet-lite0"), function_to_apply="softmax"))
check("object_detection", boxes)
check("automatic_speech_recognition", lambda: equal(isinstance(client.automatic_speech_recognition(SPEECH, model=model("tiny-wav2vec2")).text, str), True))
check("automatic_speech_recognition, generation_parameters", lambda: client.automatic_speech_recognition(SPEECH, model=model("tiny-whisper"), extra_body={"generation_parameters": {"num_beams": 2, "max_new_tokens": 4}}))
check("automatic_speech_recognition, extra_body", lambda: client.automatic_speech_recognition(SPEECH, model=model("tiny-whisper"), extra_body={"return_timestamps": True}))
check("translation", translated)
check("translation, generate_parameters", lambda: translated(generate_parameters={"max_new_tokens": 2}))
check("translation, truncation and clean_up_tokenization_spaces", lambda: translated(truncation="longest_first", clean_up_tokenization_spaces=True))
check("summarization", summarised)
check("summarization, generate_parameters", summarised_shortly)
check("summarization, truncation and clean_up_tokenization_spaces", lambda: summarised(truncation="only_first", clean_up_tokenization_spaces=True))
check("tabular_classification", lambda: equal(client.tabular_classification(FLOWERS, model=model("iris")), ["setosa", "virginica"]))
check("an unknown model is refused", lambda: refused(lambda: client.text_classification("a", model=model("unknown")), "404", "unknown"))
check("an unknown parameter is refused", lambda: refused(lambda: client.feature_extraction("a", prompt_name="query", model=model("tiny-bert-sentences")), "prompt_name"))
end()
