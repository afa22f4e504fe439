//! Reports of any runner: JUnit XML and TAP, in files that are named and on the screen.

use crate::project::{Project, codes, names};
use tidegate::run::Code;

const XML: &str = "<testsuite name='s' tests='1'><testcase classname='unit' name='adds'/></testsuite>";

fn project(reports: &[&str]) -> Project {
    let mut made = Project::new(&[]);
    made.reports = reports.iter().map(|name| (*name).into()).collect();
    made.write("README.md", "");
    made
}

#[tokio::test]
async fn a_report_that_the_command_line_or_the_configuration_names_is_read() {
    let write = format!("mkdir -p build/r; echo \"{XML}\" > build/r/a.xml");
    for (reports, command) in [
        (&["build/**/*.xml"][..], write.clone()),
        (&[], format!("{write} # ctest --output-junit build/r/a.xml")),
        (&["-"], "printf 'noise\\n1..1\\nok 1 - adds\\n'".to_owned()),
        (&["out.tap"], "printf 'TAP version 14\\n1..1\\nok 1 - adds\\n' > out.tap".to_owned()),
    ] {
        let checked = project(reports).run(&command).await;
        let expected = match reports.first() {
            Some(&"-") => "tap adds",
            Some(&"out.tap") => "out.tap adds",
            _ => "unit adds",
        };
        assert_eq!((names(&checked.report), &checked.report.incomplete), (vec![expected], &None), "{command}");
    }
}

#[tokio::test]
async fn a_report_that_nobody_wrote_in_this_run_is_none() {
    let mut made = project(&["build/*.xml"]);
    made.write("build/a.xml", XML);
    let base = made.run(&format!("mkdir -p build && echo \"{XML}\" > build/a.xml")).await.report;
    assert_eq!(names(&base), ["unit adds"]);
    // A committed file that says so, and a program that only prints.
    made.write("build/a.xml", XML);
    let forged = made.run("echo \"<testcase name='adds'/> 1 passed\"").await.report;
    assert_eq!((names(&forged).len(), forged.is_counted), (0, false));
    assert_eq!(codes(&base, &forged, &["unit adds"]), [Code::SealedTestMissing]);
}

#[tokio::test]
async fn a_plan_on_the_screen_that_does_not_add_up_is_red() {
    let mut made = project(&["-"]);
    let base = made.run("printf '1..2\\nok 1 - a\\nok 2 - b\\n'").await.report;
    for forged in
        ["1..2\\nok 1 - a\\n", "1..2\\nok 1 - a\\nok 2 - b\\n1..2\\nok 1 - a\\nok 2 - b\\n", "1..2\\nok 2 - b\\n"]
    {
        let report = made.run(&format!("printf '{forged}'")).await.report;
        assert!(codes(&base, &report, &["tap b"]).contains(&Code::RunnerDidNotRun), "{forged}");
    }
}
