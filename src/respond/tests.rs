//! What outcomes and settings are answered with.

use super::*;

#[test]
fn a_configured_status_counts_when_it_is_registered() {
    #[track_caller]
    fn check(code: i64, expected: u16) {
        assert_eq!(configured(Some(code)).as_u16(), expected, "{code}");
    }
    for code in [200, 201, 202, 204, 302, 400, 404, 418, 429, 500, 503, 511] {
        check(code, code as u16);
    }
    for code in [0, -1, 99, 100, 101, 299, 600, 999, 70_000] {
        check(code, 200);
    }
    assert_eq!(configured(None), StatusCode::OK);
}

#[test]
fn a_run_is_answered_by_its_end() {
    const AFTER: OutputInResponse = OutputInResponse::No;
    const OUTPUT: OutputInResponse = OutputInResponse::OnSuccess;
    const ALWAYS: OutputInResponse = OutputInResponse::Always;
    #[track_caller]
    fn check(output: OutputInResponse, ending: Ending, status: u16, body: &'static str) {
        let settings = ResponseSettings {
            message: "done".to_owned(),
            error_message: Some("failed".to_owned()),
            success_code: Some(201),
            exit_codes: [(3, 422), (4, 202), (5, 299)].into(),
            output,
            waits: true,
            ..ResponseSettings::default()
        };
        let output = Output { bytes: b"output".to_vec(), dropped_bytes: 0 };
        let outcome = Outcome { output, ..quiet(ending) };
        let response = ended(Some(outcome), &settings, &Vec::new());
        assert_eq!((response.status().as_u16(), body_of(response)), (status, body.into()), "{ending}");
    }
    for (output, done) in [(AFTER, "done"), (OUTPUT, "output"), (ALWAYS, "output")] {
        let failed = if output == ALWAYS { "output" } else { "failed" };
        check(output, Ending::Exited(0), 201, done);
        check(output, Ending::Exited(1), 500, failed);
        check(output, Ending::Exited(3), 422, failed);
        check(output, Ending::Exited(4), 202, done);
        check(output, Ending::Exited(5), 500, failed);
        check(output, Ending::Signalled(9), 500, failed);
        check(output, Ending::Cut, 500, failed);
    }
}

#[test]
fn exit_code_0_may_have_a_status_of_its_own() {
    let settings = ResponseSettings {
        message: "done".to_owned(),
        exit_codes: [(0, 503)].into(),
        waits: true,
        ..ResponseSettings::default()
    };
    let response = ended(Some(quiet(Ending::Exited(0))), &settings, &Vec::new());
    assert_eq!((response.status().as_u16(), body_of(response)), (503, "done".into()));
}
