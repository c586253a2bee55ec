"""Generates tokens with onnxruntime-genai: a line of JSON {prompt, tokens} in, one {ms, ids} out, in milliseconds a token, without the prompt."""

import json
import sys
import time

import onnxruntime_genai as og

model = og.Model(sys.argv[1])
for line in sys.stdin:
    request = json.loads(line)
    prompt, count = request["prompt"], request["tokens"]
    length = len(prompt) + count + 1
    params = og.GeneratorParams(model)
    params.set_search_options(do_sample=False, min_length=length, max_length=length)
    generator = og.Generator(model, params)
    generator.append_tokens(prompt)
    generator.generate_next_token()  # of the logits that the prompt gave
    start = time.perf_counter()
    for _ in range(count):
        generator.generate_next_token()
    ms = (time.perf_counter() - start) * 1000 / count
    ids = [int(each) for each in generator.get_sequence(0)[len(prompt) :]]
    print(json.dumps({"ms": ms, "ids": ids}), flush=True)
