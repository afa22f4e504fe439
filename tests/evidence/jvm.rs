//! Maven with what Debian has of its repository, offline; Gradle by the files that it leaves, which a script writes here.

use crate::{
    project::{Project, codes, names},
    runners::Runners,
};
use tidegate::{
    check::Jvm,
    rules::{Build, ErrorKind, Report, TestResult},
    run::Code,
};

const MVN: &str = "MAVEN_OPTS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' mvn -o -B -q -fae -DforkCount=0 -Dmaven.repo.local=/usr/share/maven-repo test";
const TOY: &str = "package a;\n\npublic class Toy {\n    public static int one() {\n        return 1;\n    }\n}\n";
const NEW: &str = "core/src/test/java/a/NewTest.java";

/// A class of tests with these in it.
fn tests(name: &str, body: &str) -> String {
    format!("package a;\n\nimport org.junit.jupiter.api.*;\n\nclass {name} {{\n{body}\n}}\n")
}

/// A test of this name whose body is this.
fn test(name: &str, body: &str) -> String {
    format!("    @Test\n    void {name}() {{ {body} }}")
}

/// Two modules with a test in each, of which one fails.
fn toy() -> Option<Project> {
    let junit = Runners::maven()?;
    let made = Project::new(&[&Jvm]);
    let head = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>";
    let dependency = format!(
        "<dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter</artifactId><version>{junit}</version><scope>test</scope></dependency>"
    );
    made.write(
        "pom.xml",
        &format!(
            "{head}<groupId>a</groupId><artifactId>toy</artifactId><version>1</version><packaging>pom</packaging>\
             <properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target>\
             <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>\
             <modules><module>core</module><module>web</module></modules><dependencies>{dependency}</dependencies></project>"
        ),
    );
    for module in ["core", "web"] {
        made.write(
            &format!("{module}/pom.xml"),
            &format!("{head}<parent><groupId>a</groupId><artifactId>toy</artifactId><version>1</version></parent><artifactId>{module}</artifactId></project>"),
        );
    }
    made.write("core/src/main/java/a/Toy.java", TOY);
    made.write(
        "core/src/test/java/a/OldTest.java",
        &tests("OldTest", &test("old", "Assertions.assertEquals(1, Toy.one());")),
    );
    made.write("web/src/test/java/a/WebTest.java", &tests("WebTest", &test("web", "")));
    Some(made)
}

async fn red(toy: &mut Project, base: &Report, text: &str) -> Result<Vec<Box<str>>, Vec<Code>> {
    toy.red(MVN, base, (NEW, text)).await.map(|proof| proof.tests)
}

#[tokio::test]
async fn tests_of_all_modules_are_reported_by_class_and_name() {
    let Some(mut toy) = toy() else { return };
    let many = "    @Test\n    void prints() { System.out.println(\"</system-out> ]]> <testcase name='x'/> Tests run: 9, Failures: 0\"); }\n\
                    @Disabled(\"slow\") @Test\n    void skips() { }\n\
                    @RepeatedTest(2)\n    void many() { }\n\
                    @Nested\n    class Inner {\n        @Test\n        void fails() { Assertions.fail(); }\n    }";
    toy.write("core/src/test/java/a/MoreTest.java", &tests("MoreTest", many));
    let checked = toy.run(MVN).await;
    let report = &checked.report;
    let all = names(report);
    for name in ["a.MoreTest prints", "a.MoreTest skips", "a.MoreTest$Inner fails", "a.OldTest old", "a.WebTest web"] {
        assert!(all.contains(&name), "{all:?} {}", checked.tail);
    }
    assert_eq!((all.len(), report.failures().collect::<Vec<_>>()), (7, vec!["a.MoreTest$Inner fails"]), "{all:?}");
    assert_eq!(report.tests["a.MoreTest skips"], TestResult::Ignored(Some("slow".into())));
    assert_eq!((&report.incomplete, &report.build), (&None, &Build::Built));
    // What an earlier run left is none of this one's.
    assert_eq!(names(&toy.run("true").await.report).len(), 0);
}

#[tokio::test]
async fn red_and_green_are_judged_by_the_reports_and_the_compilers_words() {
    let Some(mut toy) = toy() else { return };
    let base = toy.run(MVN).await.report;
    assert_eq!((names(&base), base.exit), (vec!["a.OldTest old", "a.WebTest web"], 0));
    let new = |body: &str| tests("NewTest", &test("two", body));
    let sealed = format!("{NEW} two");
    for (text, expected) in [
        // What is printed looks like an error of the compiler.
        (
            new(
                "System.out.println(\"COMPILATION ERROR\\n/NewTest.java:[6,1] cannot find symbol\"); Assertions.assertEquals(2, Toy.one());",
            ),
            Ok("a.NewTest two".to_owned()),
        ),
        (new("Assertions.assertEquals(2, );"), Err(Code::SyntaxError)),
        (new("Assertions.assertEquals(2, Toy.two());"), Ok(sealed.clone())),
    ] {
        let expected = expected.map(|name| vec![name.into()]).map_err(|code| vec![code]);
        assert_eq!(red(&mut toy, &base, &text).await, expected, "{text}");
    }
    for (body, codes_of) in [
        ("return 2;", &[][..]),
        (
            "Runtime.getRuntime().halt(0); return 2;",
            &[Code::RunnerDidNotRun, Code::SealedTestMissing, Code::Regression],
        ),
    ] {
        toy.write(
            "core/src/main/java/a/Toy.java",
            &TOY.replacen("}\n", &format!("}}\n\n    public static int two() {{\n        {body}\n    }}\n"), 1),
        );
        let forked = MVN.replace(" -DforkCount=0", "");
        let candidate = toy.run(&forked).await;
        let found = codes(&base, &candidate.report, &[&sealed]);
        assert!(
            found.iter().all(|code| codes_of.contains(code)) && found.is_empty() == codes_of.is_empty(),
            "{body}: {found:?} {}",
            candidate.tail
        );
    }
}

/// A script that leaves what Gradle leaves.
#[tokio::test]
async fn what_gradle_leaves_in_each_module_is_read_and_its_compilers_words_are() {
    let mut toy = Project::new(&[&Jvm]);
    let report = "<testsuite name='a.B' tests='1' failures='0'><testcase name='adds()' classname='a.B'/><system-out><![CDATA[<testcase name='no'/>]]></system-out></testsuite>";
    toy.write(
        "gradlew",
        &format!(
            "mkdir -p app/build/test-results/test\ncat > app/build/test-results/test/TEST-a.B.xml <<'X'\n{report}\nX\n"
        ),
    );
    toy.write("app/src/test/java/a/B.java", "");
    let checked = toy.run("sh ./gradlew test --continue").await;
    assert_eq!((names(&checked.report), &checked.report.incomplete), (vec!["a.B adds()"], &None));
    toy.write("gradlew", "echo \"$PWD/app/src/test/java/a/B.java:3: error: cannot find symbol\" >&2\necho \"Execution failed for task ':app:compileTestJava'.\" >&2\nexit 1\n");
    let Build::Failed(errors) = toy.run("sh ./gradlew test").await.report.build else { panic!("it is not built") };
    assert_eq!(
        (errors[0].kind, errors[0].file.as_deref(), errors[0].line),
        (ErrorKind::Name, Some("app/src/test/java/a/B.java"), Some(3))
    );
}
