use super::{outcome, surroundings};

fn check(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        assert_eq!(
            outcome(text, &surroundings(None)).as_deref().map_err(String::as_str),
            Err(*expected),
            "{text}"
        );
    }
}

#[test]
fn problems_are_placed() {
    check(&[
        (
            "a\n  {{ nope }}",
            "2:6: unknown function `nope`, known are and, or, not, eq, ne, lt, le, gt, ge, len, index, slice, print, printf, println, html, js, urlquery, getenv, cat, credential",
        ),
        ("é {{ getenv", "1:3: action is not closed with `}}`"),
        ("\n{{/* a", "2:1: comment is not closed with `*/`"),
        ("{{/* a */ }}", "1:1: comment must end with `*/}}` or `*/ -}}`"),
        ("{{ /* a */ }}", "1:4: unexpected `/` in `{{…}}`"),
        ("{{ \"a\n\" }}", "1:4: quotation mark \" has no end on this line"),
        ("{{ `a", "1:4: raw text is not closed with a backquote"),
        (
            r#"{{ "\q" }}"#,
            "1:4: unknown escape between the quotation marks, or not one character between `'`",
        ),
        ("{{ 'ab' }}", "1:4: unknown escape between the quotation marks, or not one character between `'`"),
        ("{{ print (1 }}", "1:10: `(` is not closed"),
        ("{{ 1) }}", "1:5: `)` without `(`"),
        ("{{ print : 1 }}", "1:10: `:` must be followed by `=`"),
        ("{{ $x=1 }}", "1:4: unexpected character '='"),
        ("{{ 089 }}", "1:4: `089` is not a number"),
        ("{{ 9223372036854775808 }}", "1:4: `9223372036854775808` does not fit in 64 bits"),
        ("{{ 1i }}", "1:4: `1i` is a kind of number that is not supported"),
        ("a\nb\n{{ if }}", "3:7: missing value in `if`"),
        ("{{}}", "1:3: missing value in `{{…}}`"),
        ("x\n{{if true}}\n{{print 1}}", "2:1: `if` has no `{{end}}`"),
        ("{{if 1}}{{else}}{{else}}{{end}}", "1:1: unexpected second `else` in `if`"),
        ("{{with 1}}{{else if 1}}{{end}}", "1:18: unexpected `if` in `else`"),
        ("\n{{end}}", "2:1: `end` without a block that it belongs to"),
        ("{{if 1}}{{define `a`}}{{end}}{{end}}", "1:9: `define` inside another block"),
        ("{{define `a`}}1{{end}}\n{{define `a`}}2{{end}}", "2:1: template `a` is defined twice"),
        ("{{range .}}{{block `x` .}}{{break}}{{end}}{{end}}", "1:27: `break` outside `range`"),
        ("{{$x := 1}}{{define `a`}}{{$x}}{{end}}", "1:28: undefined variable `$x`"),
        ("{{$x = 1}}", "1:3: undefined variable `$x`"),
        ("{{$x, $y := 1}}", "1:3: only `range` takes two variables"),
        ("{{range $x, 5}}{{end}}", "1:13: unexpected `5` in `range`"),
        ("{{print 1 | 2}}", "1:13: a value cannot receive what comes before the `|`, only a function can"),
        ("{{`a`.X}}", "1:6: unexpected `.X` in `{{…}}`"),
        ("{{ 1 2 }}", "1:4: a value takes no arguments, only a function does"),
        ("{{nil}}", "1:3: `nil` alone is not a command"),
        ("{{define `a`}}\n{{len 3}}{{end}}{{template `a`}}", "2:3: `len` wants string, got int"),
        ("\n{{template `zz`}}", "2:1: template `zz` is not defined"),
        ("{{$x := `s`}}{{$x.Foo}}", "1:16: cannot look up `.Foo` in string"),
        ("{{range `abc`}}{{end}}", "1:9: `range` cannot go over string"),
        ("{{range $i, $e := 3}}{{end}}", "1:9: `range` over a number takes one variable"),
        ("{{getenv}}", "1:3: `getenv` takes one argument, got 0"),
        ("{{print 1 (getenv .)}}", "1:12: `getenv` wants string, got nil"),
        ("{{eq 1 `a`}}", "1:3: cannot compare int with string"),
        ("{{lt nil 1}}", "1:3: cannot compare nil with int"),
        ("{{index `abc` 3}}", "1:3: index 3 is out of range"),
        ("{{slice `abc` 2 1}}", "1:3: slice from 2 to 1 is not possible"),
        ("{{printf `%x` 1.5}}", "1:3: `printf` does not support `x` of a float here"),
        ("{{slice `é` 0 1}}", "rendered text is not valid UTF-8"),
    ]);
}
