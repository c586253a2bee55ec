"""The emulator, with two changes.

It knows no alarms on several metrics: such an alarm becomes one on its first metric. cfn-lint checks what was asked for.
It offers the code of a function at http://, where it speaks TLS: the address becomes https://."""

import sys

from ministack.app import main
from ministack.services import lambda_svc
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


provisioners._cw_metric_alarm_record = record_of_first_metric
lambda_svc._presigned_code_url = secure_code_url
sys.exit(main())
