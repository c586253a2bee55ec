"""The emulator, with seven changes.

It knows no alarms on several metrics: such an alarm becomes one on its first metric. cfn-lint checks what was asked for.
It offers the code of a function at http://, where it speaks TLS: the address becomes https://.
Its distributed maps know no MaxConcurrencyPath, and begin children after their execution was stopped: they do as AWS says.
Its S3 never fails: objects whose names say so do, and one in twenty requests for the objects of a bulk run.
Its functions are never late: the first process that gets the first chunk of a run is stopped, until its time is over.
It ends the process of a function that throws: the process stays, as on Lambda.
All its functions share this machine's /tmp: each process keeps its models in a folder of its own."""

import itertools
import os
import signal
import sys
import tempfile

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, s3, stepfunctions
from ministack.services.cloudformation import provisioners

alarm_record = provisioners._cw_metric_alarm_record


def record_of_first_metric(name, props):
    metrics = [entry["MetricStat"] for entry in props.get("Metrics", []) if "MetricStat" in entry]
    if not metrics:
        return alarm_record(name, props)
    others = {key: value for key, value in props.items() if key != "Metrics"}
    first = metrics[0]
    statistic = {"Statistic": first["Stat"], "Period": first["Period"]}
    return alarm_record(name, {**others, **first["Metric"], **statistic})


code_url = lambda_svc._presigned_code_url


def secure_code_url(name):
    return code_url(name).replace("http://", "https://", 1)


run_map = stepfunctions._run_distributed_map
run_child = stepfunctions._run_sub_machine


def run_limited_map(state, raw_input, effective, iterator, execution, ctx):
    limit = stepfunctions._resolve_path_or_ctx(state.get("MaxConcurrencyPath", "$.none"), effective, ctx)
    return run_map({"MaxConcurrency": limit, **state}, raw_input, effective, iterator, execution, ctx)


def run_child_unless_stopped(states, start, data, execution, ctx):
    if stepfunctions._executions[ctx["Execution"]["Id"]]["status"] != "RUNNING":
        raise stepfunctions._ExecutionError("States.Aborted", "the execution was stopped")
    return run_child(states, start, data, execution, ctx)


answer = s3.handle_request
numbers = itertools.count()
tries = {}
# More than a function makes before it gives an object up.
REFUSED_TRIES = 5
UNAVAILABLE = (503, {"Content-Type": "application/xml"}, b"<Error><Code>ServiceUnavailable</Code></Error>")


async def answer_with_faults(method, path, headers, *rest, **named):
    if method == "GET" and "/unsteady-" in path:
        # Each function has its key: the one for uploads reads these objects, too.
        caller = (path, headers.get("authorization", "").split("/")[0])
        tries[caller] = tries.get(caller, 0) + 1
        if tries[caller] <= REFUSED_TRIES:
            return UNAVAILABLE
    if "/bulk/" in path and next(numbers) % 20 == 0:
        return UNAVAILABLE
    return await answer(method, path, headers, *rest, **named)


lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
    'status: "error", error: String(err.message || err)', 'status: "ok", thrown: String(err.message || err)'
)
worker_init = lambda_runtime.Worker.__init__
worker_invoke = lambda_runtime.Worker.invoke


def init_with_folder(self, name, config, code):
    folder = tempfile.mkdtemp(prefix="models-", dir=os.environ["TMPDIR"])
    variables = {**config.get("Environment", {}).get("Variables", {}), "MODEL_CACHE_DIR": folder}
    worker_init(self, name, {**config, "Environment": {"Variables": variables}}, code)


stopped = set()


def invoke_and_keep(self, event, *rest, **named):
    key = event.get("key", "") if isinstance(event, dict) else ""
    if key.endswith("/plan/00000000.jsonl") and key not in stopped:
        stopped.add(key)
        lambda_runtime.ensure_spawned(self)
        os.kill(self._proc.pid, signal.SIGSTOP)
    response = worker_invoke(self, event, *rest, **named)
    return {**response, "status": "error", "error": response["thrown"]} if "thrown" in response else response


lambda_runtime.Worker.__init__ = init_with_folder
lambda_runtime.Worker.invoke = invoke_and_keep
s3.handle_request = answer_with_faults
stepfunctions._run_distributed_map = run_limited_map
stepfunctions._run_sub_machine = run_child_unless_stopped
provisioners._cw_metric_alarm_record = record_of_first_metric
lambda_svc._presigned_code_url = secure_code_url
sys.exit(main())
