"""Rows of tables, the same in Python and in TypeScript (test/support/formats/table-rows.ts): integer arithmetic and single operations alone."""

CITIES = ["Köln", "Athína", "北京", "Москва", "São Paulo", "İzmir", "Lagos", "oslo", "Z", "a b"]
RARE = ["Ulm", "Gent", "Bari"]
UNKNOWN = ["Xanadu", "köln", " "]


def generator(seed):
    """mulberry32: numbers from 0 to 1, with 32 bits."""
    state = seed

    def uniform():
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = state
        t = ((t ^ (t >> 15)) * (t | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296

    return uniform


def make_rows(seed, count):
    """Columns by name. An `m` at the end of a name: with missing values; `u`: with values that are in no training set."""
    uniform = generator(seed)
    rows = {name: [] for name in ("a", "b", "c", "d", "am", "bm", "cm", "city", "cityu", "citym", "cityum", "grade", "gradeu", "gradem", "flag", "y")}
    for _ in range(count):
        u = [uniform() for _ in range(14)]
        a = int(u[0] * 400) / 100  # two decimals: many rows are equal, and lie on thresholds
        b = 1 / (u[1] + 0.01)  # a long tail
        c = u[2] + u[3] + u[4] - 1.5
        d = int(u[5] * 10)
        city = CITIES[int(u[6] * u[6] * 10)] if u[7] < 0.97 else RARE[int(u[7] * 1000) % 3]
        grade = int(u[8] * u[8] * 6) - 1
        unknown = UNKNOWN[int(u[9] * 1000) % 3] if u[9] < 0.1 else city
        rows["a"].append(a)
        rows["b"].append(b)
        rows["c"].append(c)
        rows["d"].append(d)
        rows["am"].append(None if u[10] < 0.15 else a)
        rows["bm"].append(None if u[11] < 0.15 else b)
        rows["cm"].append(None if u[12] < 0.15 else c)
        rows["city"].append(city)
        rows["cityu"].append(unknown)
        rows["citym"].append(None if u[13] < 0.1 else city)
        rows["cityum"].append(None if u[13] < 0.1 else unknown)
        rows["grade"].append(grade)
        rows["gradeu"].append(17 if u[9] < 0.1 else grade)
        rows["gradem"].append(None if u[13] < 0.1 else grade)
        rows["flag"].append(u[12] < 0.5)
        rows["y"].append(a + c + (2 if city < "L" else 0))
    return rows
