"""Draws a Grafana dashboard as an SVG: as much of it as this project's dashboard uses."""

import math
import re
from html import escape

WIDTH, UNIT, GAP, PAD = 1440, 32, 8, 12
COLUMN = WIDTH / 24
PALETTE = ["#3b7dd8", "#e8912d", "#3fa45b", "#d0453e", "#8a63c9", "#1aa3a3", "#c7629b", "#8c6d46", "#6f7d8c", "#b7a21f"]
COLOURS = {"red": "#d0453e", "orange": "#e8912d", "green": "#3fa45b", "blue": "#3b7dd8"}
INK, FAINT, LINES, PAPER, CARD = "#1f2933", "#66727f", "#e3e7ec", "#f3f5f8", "#ffffff"
# Of a character of 11 px, about.
CHARACTER = 5.9


def picture(dashboard, data):
    bodies, bottom = [], 0
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        x, y = at["x"] * COLUMN + GAP / 2, at["y"] * UNIT + 56
        width, height = at["w"] * COLUMN - GAP, at["h"] * UNIT - GAP
        bottom = max(bottom, y + height)
        if panel["type"] == "row":
            bodies.append(text(x + 2, y + 20, panel["title"], 15, INK, weight=600))
            continue
        inside = {"stat": stat, "timeseries": lines, "bargauge": bars, "table": table}[panel["type"]]
        bodies.append(
            f'<g transform="translate({x:.1f} {y:.1f})">'
            f'<rect width="{width:.1f}" height="{height:.1f}" rx="3" fill="{CARD}" stroke="{LINES}"/>'
            + text(PAD, 20, clip(panel["title"], width - 2 * PAD, 12.5), 12.5, INK, weight=600)
            + inside(panel, data, width, height)
            + "</g>"
        )
    height = bottom + GAP
    words = "a run of five minutes with a simulated EKS, in which updates take one minute instead of ten"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="Inter, Helvetica, Arial, sans-serif">\n'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>\n'
        + text(PAD, 34, dashboard["title"], 20, INK, weight=600)
        + text(WIDTH - PAD, 34, words, 12, FAINT, anchor="end")
        + "\n"
        + "\n".join(bodies)
        + "\n</svg>\n"
    )


def text(x, y, words, size, colour, anchor="start", weight=400):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(words)}</text>'
    )


def clip(words, width, size=11):
    most = max(1, int(width / (CHARACTER * size / 11)))
    return words if len(words) <= most else words[: most - 1] + "…"


def named(legend, labels):
    if not legend:
        return ", ".join(labels.values())
    return re.sub(r"{{\s*(\w+)\s*}}", lambda label: labels.get(label[1], ""), legend)


def shown(value, unit, decimals=None):
    if not math.isfinite(value):
        return "–"
    if unit == "s":
        size = abs(value)
        for many, short, limit in ((86400, "d", 172800), (3600, "h", 7200), (60, "min", 120)):
            if size >= limit:
                return f"{number(value / many, 1)} {short}"
        return f"{number(value * 1000, 0)} ms" if 0 < size < 1 else f"{number(value, 1)} s"
    if unit == "percentunit":
        return f"{number(value * 100, 1)} %"
    suffix = {"d": " d", "reqps": "/s"}.get(unit, "")
    return number(value, 2 if decimals is None else decimals) + suffix


def number(value, decimals):
    words = f"{value:.{decimals}f}"
    return words.rstrip("0").rstrip(".") if "." in words else words


def colour_of(value, defaults, fallback):
    chosen = fallback
    for step in defaults.get("thresholds", {}).get("steps", []):
        if step["value"] is None or value >= step["value"]:
            chosen = COLOURS.get(step["color"], step["color"])
    return chosen


def no_data(width, height):
    return text(width / 2, height / 2 + 10, "No data", 12, FAINT, anchor="middle")


def series_of(panel, data):
    return [
        (named(target["legendFormat"], labels), points)
        for target in panel["targets"]
        for labels, points in data.over_time(target["expr"])
        if any(math.isfinite(value) for _, value in points)
    ]


def stat(panel, data, width, height):
    found = series_of(panel, data)
    if not found:
        return no_data(width, height)
    defaults = panel["fieldConfig"]["defaults"]
    points = [point for point in found[0][1] if math.isfinite(point[1])]
    last = points[-1][1]
    colour = colour_of(last, defaults, PALETTE[0])
    top = max(value for _, value in points) or 1.0
    low = min(0.0, *(value for _, value in points))
    end = max(data.end - data.begin, 1)
    base = height - 2
    place = lambda at, value: (at / end * width, base - (value - low) / ((top - low) or 1) * (height * 0.3))
    path = stepped([place(*point) for point in points])
    first, final = place(*points[0])[0], place(*points[-1])[0]
    return (
        f'<path d="{path}L{final:.1f} {base}L{first:.1f} {base}Z" fill="{colour}" opacity="0.15"/>'
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.2"/>'
        + text(width / 2, height / 2 + 14, shown(last, defaults["unit"]), 30, colour, "middle", 600)
    )


def stepped(points):
    path, before = "", None
    for index, (x, y) in enumerate(points):
        if y == before and index < len(points) - 1:
            continue
        path += f"M{x:.1f} {y:.1f}" if before is None else f"L{x:.1f} {before:.1f}L{x:.1f} {y:.1f}"
        before = y
    return path


def straight(points):
    return "".join(f"{'L' if index else 'M'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))


def lines(panel, data, width, height):
    defaults = panel["fieldConfig"]["defaults"]
    unit, custom = defaults["unit"], defaults["custom"]
    is_stacked = custom["stacking"]["mode"] == "normal"
    draw = stepped if custom["lineInterpolation"] == "stepAfter" else straight
    found = series_of(panel, data)
    legend, used = legends([name for name, _ in found], width)
    left, top, right, bottom = 54, 34, width - PAD, height - 26 - used
    end = max(data.end - data.begin, 1)
    if is_stacked:
        found = stack(found)
    values = [value for _, points in found for *_, value in points if math.isfinite(value)]
    highest = ceiling(max(values, default=1.0) or 1.0, unit)
    x = lambda at: left + at / end * (right - left)
    y = lambda value: bottom - value / highest * (bottom - top)
    out = ""
    for part in range(5):
        value = highest * part / 4
        out += f'<line x1="{left}" x2="{right:.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{LINES}"/>'
        out += text(left - 6, y(value) + 4, shown(value, unit), 10.5, FAINT, "end")
    for minute in range(int(end // 60) + 1):
        anchor = "end" if x(minute * 60) > right - 15 else "middle"
        out += text(x(minute * 60), bottom + 15, f"{minute} min" if minute else "0", 10.5, FAINT, anchor)
    if not found:
        return out + no_data(width, height)
    # What is stacked on top is drawn first, so that what is below covers it.
    order = reversed(list(enumerate(found))) if is_stacked else enumerate(found)
    for index, (_, points) in order:
        colour = PALETTE[index % len(PALETTE)]
        for run in runs(points):
            if draw is stepped:
                # The last value holds for a step too.
                at, *rest = run[-1]
                run = [*run, (min(at + 2, end), *rest)]
            placed = [(x(at), y(value)) for at, *_, value in run]
            path = draw(placed)
            if is_stacked:
                floor = [(x(at), y(low)) for at, low, _ in run]
                under = draw(floor[::-1]) if draw is straight else straight(corners(floor)[::-1])
                out += f'<path d="{path}L{under[1:]}Z" fill="{colour}" opacity="0.45"/>'
            out += f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    return out + f'<g transform="translate(0 {height - used - 2:.1f})">{legend}</g>'


def corners(points):
    out = []
    for x, y in points:
        if out:
            out.append((x, out[-1][1]))
        out.append((x, y))
    return out


def runs(points):
    """The points without gaps between them."""
    run, before = [], None
    for point in points:
        if not math.isfinite(point[-1]) or (before is not None and point[0] - before > 2.5):
            if run:
                yield run
            run = []
        if math.isfinite(point[-1]):
            run.append(point)
        before = point[0]
    if run:
        yield run


def stack(found):
    """Each point with what is below it: (time, below, top)."""
    below, out = {}, []
    for name, points in found:
        placed = []
        for at, value in points:
            key = round(at, 1)
            low = below.get(key, 0.0)
            below[key] = low + (value if math.isfinite(value) else 0.0)
            placed.append((at, low, low + value))
        out.append((name, placed))
    return out


def ceiling(value, unit):
    """The next number that four equal parts divide into readable ones."""
    if unit == "s" and value > 60:
        return math.ceil(value / 120) * 120
    size = 10 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 4, 8, 10) if step * size >= value * 0.999)


def legends(names, width):
    out, x, row = "", PAD, 0
    for index, name in enumerate(names):
        name = clip(name, width - 2 * PAD - 20)
        wide = len(name) * CHARACTER + 30
        if x + wide > width and x > PAD:
            x, row = PAD, row + 1
        if row > 2:
            break
        out += f'<rect x="{x}" y="{row * 16 - 2}" width="12" height="4" rx="2" fill="{PALETTE[index % len(PALETTE)]}"/>'
        out += text(x + 17, row * 16 + 4, name, 11, INK)
        x += wide
    used = (min(row, 2) + 1) * 16 if names else 0
    # Its lines begin at the top of the room that it takes.
    return f'<g transform="translate(0 8)">{out}</g>', used


def bars(panel, data, width, height):
    defaults = panel["fieldConfig"]["defaults"]
    found = [
        (named(target["legendFormat"], labels), value)
        for target in panel["targets"]
        for labels, value in data.at_the_end(target["expr"])
    ]
    if not found:
        return no_data(width, height)
    name_room = min(max(len(name) for name, _ in found) * CHARACTER + 10, width * 0.45)
    value_room = 60
    left, room = PAD + name_room, width - 2 * PAD - name_room - value_room
    top = max(max(value for _, value in found), 1e-9)
    each = min((height - 44) / len(found), 30)
    out = ""
    for index, (name, value) in enumerate(found):
        y = 34 + index * each
        colour = colour_of(value, defaults, PALETTE[index % len(PALETTE)])
        thick = max(each - 6, 4)
        out += text(left - 8, y + thick / 2 + 4, clip(name, name_room), 11, INK, "end")
        out += f'<rect x="{left:.1f}" y="{y:.1f}" width="{room:.1f}" height="{thick:.1f}" rx="2" fill="{PAPER}"/>'
        long = max(value, 0) / top * room
        out += f'<rect x="{left:.1f}" y="{y:.1f}" width="{long:.1f}" height="{thick:.1f}" rx="2" fill="{colour}" opacity="0.75"/>'
        words = shown(value, defaults["unit"], defaults.get("decimals"))
        out += text(width - PAD, y + thick / 2 + 4, words, 11, INK, "end", 600)
    return out


def table(panel, data, width, height):
    rows = [labels for target in panel["targets"] for labels, _ in data.at_the_end(target["expr"])]
    organize = panel["transformations"][0]["options"]
    titles = organize["renameByName"]
    columns = [name for name in titles if any(name in row for row in rows)]
    columns = [name for name in columns if not organize["excludeByName"].get(name)]
    if not rows:
        return no_data(width, height)
    rows.sort(key=lambda row: [row.get(name, "") for name in columns])
    longest = {
        name: max(len(titles[name]), *(len(row.get(name, "")) for row in rows)) for name in columns
    }
    whole = sum(longest.values())
    starts, x = {}, PAD
    for name in columns:
        starts[name] = x
        x += longest[name] / whole * (width - 2 * PAD)
    each = min((height - 40) / (len(rows) + 1), 22)
    out = ""
    for name in columns:
        out += text(starts[name], 44, titles[name], 11, COLOURS["blue"], weight=600)
    for index, row in enumerate(rows):
        y = 44 + (index + 1) * each
        out += f'<line x1="{PAD}" x2="{width - PAD:.1f}" y1="{y - each + 5:.1f}" y2="{y - each + 5:.1f}" stroke="{LINES}"/>'
        for name in columns:
            out += text(starts[name], y, row.get(name, ""), 11, INK)
    return out
