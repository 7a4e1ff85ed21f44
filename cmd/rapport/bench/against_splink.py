"""Links the records of one CSV file, or of two, with Splink, for `rapport bench identity --against splink`.

    against_splink.py KIND OUT FILE [FILE]

KIND is febrl (one file, or two that are linked) or historical. Blocking, comparisons, training and thresholds are those that
Splink's own documentation uses for its examples of these data (febrl4 and deduplicate_50k_synthetic): links from a match
probability of .5 on, clusters as the connected components of links from .95 on. One departure: records of a whole population in
one file share a postcode or a state and a street by the hundred thousand, and there those two rules are narrowed by a further
column, as that documentation advises for larger data.

It writes links.csv (two records a line) and clusters.csv (record and cluster) into OUT, records as file:id, and prints its
memory as JSON.
"""

import json
import os
import resource
import sys

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on


def febrl(two):
    if two:
        broad = [block_on("state", "address_1"), block_on("street_number", "address_1"), block_on("postcode")]
    else:
        broad = [block_on("street_number", "address_1"), block_on("postcode", "surname"), block_on("postcode", "given_name")]
    blocking = [
        block_on("given_name", "surname"),
        "l.given_name = r.surname and l.surname = r.given_name",
        block_on("date_of_birth"),
        block_on("soc_sec_id"),
        *broad,
    ]
    comparisons = [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
    ]
    certain = [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")]
    if two:
        training = [block_on("date_of_birth"), block_on("postcode")]
    else:
        training = [block_on("date_of_birth"), block_on("postcode", "surname")]
    return "rec_id", blocking, comparisons, certain, 0.8, 1e6, training


def historical():
    blocking = [
        block_on("substr(first_name,1,3)", "substr(surname,1,4)"),
        block_on("surname", "dob"),
        block_on("first_name", "dob"),
        block_on("postcode_fake", "first_name"),
        block_on("postcode_fake", "surname"),
        block_on("dob", "birth_place"),
        block_on("substr(postcode_fake,1,3)", "dob"),
        block_on("substr(postcode_fake,1,3)", "first_name"),
        block_on("substr(postcode_fake,1,3)", "surname"),
        block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    ]
    comparisons = [
        cl.ForenameSurnameComparison("first_name", "surname", forename_surname_concat_col_name="both_names"),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.PostcodeComparison("postcode_fake"),
        cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
        cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
    ]
    certain = [
        block_on("first_name", "surname", "dob"),
        block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
        block_on("dob", "postcode_fake"),
    ]
    return "unique_id", blocking, comparisons, certain, 0.6, 1e7, [block_on("first_name", "surname"), block_on("dob")]


def peak_mb():
    """The largest resident size of this process alone; getrusage counts the parent's too."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main():
    kind, out, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    two = len(files) > 1
    record, blocking, comparisons, certain, recall, pairs, training = febrl(two) if kind == "febrl" else historical()
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = false")
    con.execute(f"set temp_directory = '{out}'")
    db = DuckDBAPI(connection=con)
    registered = []
    for i, path in enumerate(files):
        more = ", first_name || ' ' || surname as both_names" if kind == "historical" else ""
        con.execute(f"create table records_{i} as select *, {i} as file{more} from read_csv(?, all_varchar = true, header = true)", [path])
        registered.append(db.register(f"records_{i}", dataset_display_name=f"file{i}"))
    settings = SettingsCreator(
        link_type="link_only" if two else "dedupe_only",
        unique_id_column_name=record,
        blocking_rules_to_generate_predictions=blocking,
        comparisons=comparisons,
    )
    linker = Linker(registered if two else registered[0], settings)
    linker.training.estimate_probability_two_random_records_match(certain, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=1)
    for rule in training:
        linker.training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)
    links = linker.inference.predict(threshold_match_probability=0.5)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(links, threshold_match_probability=0.95)

    def name(side):
        if not two:
            return f"'0:' || {record}{side}"
        return f"replace(source_dataset{side}, 'file', '') || ':' || {record}{side}"

    con.execute(f"copy (select {name('_l')}, {name('_r')} from {links.physical_name}) to '{os.path.join(out, 'links.csv')}' (header)")
    con.execute(f"copy (select {name('')}, cluster_id from {clusters.physical_name}) to '{os.path.join(out, 'clusters.csv')}' (header)")
    print(json.dumps({"peakMB": peak_mb()}))


main()
