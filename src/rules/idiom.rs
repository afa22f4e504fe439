//! What a language calls a test that is skipped, a stub, and asking whether one is being tested: a table, by the ends of file names.

use regex::Regex;
use std::sync::LazyLock;

/// What is said how in a language.
pub(super) struct Idiom {
    ends: &'static [&'static str],
    /// Skips a test, or all but one.
    pub(super) skip: Regex,
    /// Stands where something is yet to be done.
    pub(super) stub: Regex,
    /// Asks whether it is being tested.
    pub(super) asks: Regex,
    /// Expects something.
    pub(super) assertion: Regex,
    /// Calls what ends the process.
    pub(super) ends_process: Regex,
}

/// Ends of names, and the shapes of the five. Case is ignored in ASCII alone: the tables for more are not built in.
type Row = (&'static [&'static str], &'static str, &'static str, &'static str, &'static str, &'static str);

/// A shape that nothing has.
const NEVER: &str = r"[^\s\S]";

const ROWS: [Row; 9] = [
    (
        &[".rs"],
        r"#\[\s*ignore\b|cfg_attr\([^\]]*\bignore\b",
        r"\b(?:todo|unimplemented)\s*!",
        r#"\bcfg!\(\s*(?:not\(\s*)?(?:test|debug_assertions)\b|#!?\[cfg\(\s*not\(\s*test\b|"(?:NEXTEST|NEXTEST_\w+|RUST_TEST_\w+|__RUST_TEST_INVOKE)""#,
        r"\b(?:assert\w*|expect|panic|unreachable|prop_assert\w*|should_panic)\b",
        r"\bprocess::(?:exit|abort)\s*\(|\blibc::_?exit\s*\(",
    ),
    (
        &[".py", ".pyi"],
        r"\bpytest\.mark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bunittest\.(?:skip\w*|expectedFailure)\b|\b(?:self\.)?skipTest\(|\bSkipTest\b|\b__test__\s*=\s*False",
        r"\braise NotImplementedError\b|^\s*(?:async )?def \w+\(.*:\s*pass\s*$",
        r#"["'](?:_?pytest|unittest|nose)["']\s*(?:not\s+)?in\s+(?:list\()?(?:sys\.)?modules|modules\.get\(\s*["'](?:_?pytest|unittest)["']|\bPYTEST_(?:CURRENT_TEST|VERSION|XDIST\w*|ADDOPTS)\b|\b_called_from_test\b|["']pytest["']\s+in\s+sys\.argv|sys\.modules\b.*["']_?pytest|["']_?pytest\w*["'].*\bsys\.modules\b|\b(?:co_name|inspect\.stack\(\)|_getframe\()[^\n]*["']_?test|["']test_?["'][^\n]*\bco_name\b|\bopen\(\s*["'](?:[^"']*/)?(?:tests?/|test_\w+\.py)|\bPath\(\s*["']tests?["'/]|\bglob\(\s*["'](?:[^"']*/)?test_"#,
        r"\b(?:assert\w*|raises|warns|fail)\b",
        r"\b(?:os\._exit|sys\.exit|os\.abort)\s*\(|(?:^|[^\w.])(?:exit|quit)\s*\(|\bSystemExit\b",
    ),
    (
        &[".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"],
        r"\b(?:it|test|describe|suite|context|specify)(?:\.\w+)*\.(?:skip|skipIf|runIf|todo|only|failing|fails)\b|\bx(?:it|test|describe|specify)\s*\(|\bf(?:it|describe)\s*\(|\b(?:t|ctx|context|this)\.(?:skip|todo)\s*\(|\{\s*(?:skip|todo|only)\s*:",
        r#"(?i-u)throw (?:new )?\w*Error\(\s*["'`](?:not (?:yet )?implemented|unimplemented|to ?do\b|fixme)"#,
        r#"\bNODE_ENV\b\s*["'\]]*\s*[!=]==?\s*["'`]test["'`]|["'`]test["'`]\s*[!=]==?\s*(?:process\.)?env\.NODE_ENV|\b(?:JEST_WORKER_ID|VITEST(?:_\w+)?|NODE_TEST_CONTEXT)\b|\bimport\.meta\.vitest\b|\btypeof (?:jest|vi|vitest|describe|beforeEach|expect)\b|\bglobalThis\.(?:jest|vi|expect|describe|__vitest_\w+)\b|--test\b.*\bexecArgv|\bexecArgv\b.*--test\b|\bprocess\.argv\[1\][^\n]*\.(?:test|spec)\b|\.stack\b[^\n]*["'`/][^"'`\n]*\b(?:test|spec)\b|\brequire\.main\b[^\n]*\.(?:test|spec)\b|\breadFile(?:Sync)?\(\s*["'`](?:[^"'`]*/)?(?:tests?/|[\w.-]*\.(?:test|spec)\.)"#,
        r"\b(?:expect|assert\w*|should|ok|equal|deepEqual|strictEqual|throws|rejects)\b",
        r"\bprocess\.(?:exit|reallyExit|abort)\s*\(",
    ),
    (
        &[".go"],
        r"\b[tbf]\.(?:Skip|Skipf|SkipNow)\(",
        r#"(?i-u)panic\(\s*"(?:not (?:yet )?implemented|unimplemented|todo)"#,
        r#"\btesting\.Testing\(\)|flag\.Lookup\(\s*"test\.|strings\.\w+\(\s*os\.Args\[0\],\s*"[^"]*test|\bos\.(?:Stat|Open|ReadFile)\(\s*"[^"]*_test\.go"|\b(?:FuncForPC|runtime\.Caller)\b[^\n]*"[^"]*Test"#,
        r"\b(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow|assert|require)\b",
        r"\b(?:os|syscall)\.Exit\s*\(",
    ),
    (
        &[".ex", ".exs"],
        r"@(?:module|describe)?tag\s+(?::skip\b|skip:)",
        r#"(?i-u)raise "(?:not (?:yet )?implemented|todo)"#,
        r"\bMix\.env\(\)\s*[!=]=\s*:test\b|:test\s*[!=]=\s*Mix\.env",
        r"\b(?:assert\w*|refute\w*)\b",
        r"\bSystem\.(?:halt|stop)\b",
    ),
    (
        &[".java", ".kt", ".kts", ".scala", ".groovy"],
        r"@(?:[\w.]+\.)?(?:Disabled\w*|Ignore|EnabledIf\w*|EnabledOn\w*|EnabledFor\w*)\b|\b(?:assumeTrue|assumeFalse)\(\s*(?:true|false)\s*\)|\b(?:Assumptions\.)?abort\(\s*(?:\x22|\))|\benabled\s*=\s*false\b|\bthrow new (?:\w+\.)*(?:TestAbortedException|AssumptionViolatedException|SkipException)\b",
        r#"(?i-u)UnsupportedOperationException\(\s*"(?:not (?:yet )?implemented|todo)|\bTODO\(""#,
        r#""org\.junit|Class\.forName\(\s*"org\.(?:junit|testng)"#,
        r"\b(?:assert\w*|verify|expect\w*|should\w*)\b",
        r"\bSystem\.exit\s*\(|\.halt\s*\(",
    ),
    (
        &[".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh"],
        r"\bGTEST_SKIP\b|\bDISABLED_\w+|\bTEST_IGNORE\w*\s*\(",
        r#"(?i-u)\bassert\s*\(\s*(?:!|false &&|0 &&)\s*"(?:not (?:yet )?implemented|unimplemented|todo)|#error "(?:not (?:yet )?implemented|todo)|throw std::\w+\("(?:not (?:yet )?implemented|unimplemented|todo)"#,
        NEVER,
        r"\b(?:assert\w*|ASSERT_\w+|EXPECT_\w+|REQUIRE\w*|CHECK\w*|TEST_ASSERT\w*|cr_assert\w*|ck_assert\w*)\b",
        r"(?:^|[^\w.>])(?:_?exit|_Exit|quick_exit)\s*\(",
    ),
    (
        &["CMakeLists.txt", ".cmake"],
        r"(?i-u)\b(?:DISABLED|WILL_FAIL)\s+(?:TRUE|ON|YES|1)\b",
        NEVER,
        NEVER,
        NEVER,
        NEVER,
    ),
    (
        &[".rb"],
        r"\b(?:xit|xdescribe|xcontext|fit|fdescribe|pending|skip)\b\s*[\('\x22]",
        r"\braise NotImplementedError\b",
        r"\bdefined\?\(\s*(?:RSpec|Minitest)\b|Rails\.env\.test\?",
        r"\b(?:assert\w*|refute\w*|expect|should)\b",
        r"(?:^|[^\w.])(?:exit!?|abort)\b",
    ),
];

static IDIOMS: LazyLock<Vec<Idiom>> = LazyLock::new(|| {
    let regex = |shape: &str| Regex::new(shape).expect("a constant shape: a test uses each");
    let rows = ROWS.into_iter().chain([(&[""][..], NEVER, r"raise NotImplementedError", NEVER, NEVER, NEVER)]);
    let idiom = |(ends, skip, stub, asks, assertion, ends_process): Row| Idiom {
        ends,
        skip: regex(skip),
        stub: regex(stub),
        asks: regex(asks),
        assertion: regex(assertion),
        ends_process: regex(ends_process),
    };
    rows.map(idiom).collect()
});

/// The idiom of a file's language; of a language that is not known, one that finds next to nothing.
pub(super) fn idiom(path: &str) -> &'static Idiom {
    let is_it = |idiom: &&Idiom| idiom.ends.iter().any(|end| path.ends_with(end));
    IDIOMS.iter().find(is_it).unwrap_or_else(|| &IDIOMS[IDIOMS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_words() {
        for (path, text, skip, stub, asks) in [
            ("a.py", "@pytest.mark.skip(reason='x')", true, false, false),
            ("a.py", "    raise NotImplementedError", false, true, false),
            ("a.py", "def put(self, key): pass", false, true, false),
            ("a.py", "class Missing(Exception): pass", false, false, false),
            ("a.py", "if 'pytest' in sys.modules:", false, false, true),
            ("a.py", "os.environ.get('PYTEST_CURRENT_TEST')", false, false, true),
            ("a.py", "skip(3)", false, false, false),
            ("a.py", "if any(m.startswith('_pytest') for m in sys.modules):", false, false, true),
            ("a.py", "if sys._getframe(1).f_code.co_name.startswith('test_'):", false, false, true),
            ("a.py", "if inspect.stack()[1].function.startswith(\"test\"):", false, false, true),
            ("a.py", "text = open('test/test_v1.py').read()", false, false, true),
            ("a.py", "for path in Path('test').glob('test_*.py'):", false, false, true),
            ("a.py", "caller = inspect.stack()[1].function", false, false, false),
            ("a.py", "open('contest/latest.json')", false, false, false),
            ("a.js", "if (process.argv[1].endsWith('.test.js')) {", false, false, true),
            ("a.js", "if (new Error().stack.includes('v1.test.js')) {", false, false, true),
            ("a.js", "if (require.main.filename.includes('.test.')) {", false, false, true),
            ("a.js", "readFileSync('test/v1.test.js')", false, false, true),
            ("a.js", "if (require.main === module) main()", false, false, false),
            ("a.js", "log(error.stack, 'the latest')", false, false, false),
            ("a.go", "if strings.Contains(os.Args[0], \"test\") {", false, false, true),
            ("a.go", "if _, err := os.Stat(\"c_test.go\"); err == nil {", false, false, true),
            ("a.go", "if strings.Contains(runtime.FuncForPC(pc).Name(), \"Test\") {", false, false, true),
            ("a.ts", "it.only('x', f)", true, false, false),
            ("a.ts", "describe.concurrent.skip('x', f)", true, false, false),
            ("a.ts", "xit('x', f)", true, false, false),
            ("a.ts", "throw new Error('Not implemented yet')", false, true, false),
            ("a.ts", "if (process.env.NODE_ENV === 'test') return 2", false, false, true),
            ("a.ts", "process.env['JEST_WORKER_ID']", false, false, true),
            ("a.ts", "const mode = process.env.NODE_ENV", false, false, false),
            ("a.go", "t.Skip()", true, false, false),
            ("a.go", "if testing.Testing() {", false, false, true),
            ("a.exs", "@tag :skip", true, false, false),
            ("a.ex", "if Mix.env() == :test do", false, false, true),
            ("A.java", "@Disabled", true, false, false),
            ("A.java", "@org.junit.jupiter.api.DisabledIf(\"x\")", true, false, false),
            ("A.java", "@Test(enabled = false)", true, false, false),
            ("a.cc", "TEST(A, DISABLED_b) {", true, false, false),
            ("tests/CMakeLists.txt", "set_tests_properties(a PROPERTIES DISABLED TRUE)", true, false, false),
            ("a.rs", "if cfg!(test) {", false, false, true),
            ("a.rs", "#[cfg(test)]", false, false, false),
            ("a.rb", "xit 'x'", true, false, false),
            ("a.php", "it.only(", false, false, false),
        ] {
            let idiom = idiom(path);
            let found = (idiom.skip.is_match(text), idiom.stub.is_match(text), idiom.asks.is_match(text));
            assert_eq!(found, (skip, stub, asks), "{path}: {text}");
        }
        assert!(idiom("a.py").assertion.is_match("assert x") && idiom("a.js").assertion.is_match("expect(x)"));
    }
}
