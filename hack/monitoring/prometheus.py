"""What a Prometheus answers to the queries of a dashboard."""

import json
import math
import urllib.parse
import urllib.request

STEP = 2


class Prometheus:
    def __init__(self, url, begin, end):
        self.url, self.begin, self.end = url, begin, end

    def _expr(self, expr):
        return (
            expr.replace("$__rate_interval", "20s")
            .replace("$__range", f"{math.ceil(self.end - self.begin)}s")
            .replace("$job", ".+")
        )

    def _ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]

    def over_time(self, expr):
        """Labels and points (seconds since the beginning, value) of each series."""
        series = self._ask(
            "query_range", query=self._expr(expr), start=self.begin, end=self.end, step=STEP
        )
        return [
            (one["metric"], [(at - self.begin, float(value)) for at, value in one["values"]])
            for one in series
        ]

    def at_the_end(self, expr):
        """Labels and value of each series."""
        found = self._ask("query", query=self._expr(expr), time=self.end)
        return [(one["metric"], float(one["value"][1])) for one in found]
