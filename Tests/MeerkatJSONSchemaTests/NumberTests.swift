import Testing

@Suite struct NumberTests {
    @Test(arguments: [
        Verdict(#"{"const":1}"#, accepts: "1.0"),
        Verdict(#"{"const":1.5e3}"#, accepts: "1500"),
        Verdict(#"{"const":0}"#, accepts: "-0.0"),
        Verdict(#"{"const":[{"a":1}]}"#, accepts: #"[{"a":1e0}]"#),
        Verdict(#"{"enum":[100000000000000000000000000001]}"#, refuses: "100000000000000000000000000002"),
        Verdict(#"{"enum":[9007199254740992]}"#, refuses: "9007199254740993"),
        Verdict(#"{"const":0.1}"#, refuses: "0.1000000000000000000000000000000001"),
        Verdict(#"{"const":false}"#, refuses: "0"),
        Verdict(#"{"const":{"a":false}}"#, refuses: #"{"a":0}"#),
        Verdict(#"{"const":"é"}"#, refuses: "\"e\u{301}\""),
        Verdict(#"{"uniqueItems":true}"#, refuses: "[1,2,1.0]"),
        Verdict(#"{"uniqueItems":true}"#, refuses: #"[{"a":1,"b":2},{"b":2.0,"a":1}]"#),
        Verdict(#"{"uniqueItems":true}"#, accepts: #"[1,true,"1",[1],{"a":1},null]"#),
    ])
    func equalityIsThatOfValues(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(#"{"type":"integer"}"#, accepts: "1e308"),
        Verdict(#"{"type":"integer"}"#, accepts: "100e-2"),
        Verdict(#"{"type":"integer"}"#, refuses: "1.5"),
        Verdict(#"{"type":"integer"}"#, refuses: "1e-1"),
        Verdict(#"{"type":"integer"}"#, refuses: "1." + String(repeating: "0", count: 5000) + "1"),
        Verdict(#"{"type":"integer"}"#, accepts: "98249283749234923498293171823948729348710298301928331"),
        Verdict(#"{"minimum":-2}"#, accepts: "-2.0"),
        Verdict(#"{"minimum":-2}"#, refuses: "-2.0000000000000000000001"),
        Verdict(#"{"exclusiveMinimum":1e-400}"#, refuses: "0"),
        Verdict(#"{"maximum":18446744073709551615}"#, refuses: "18446744073709551615.5"),
        Verdict(
            #"{"exclusiveMaximum":972783798187987123879878123.188781371}"#,
            accepts: "972783798187987123879878123.188781370"),
        Verdict(#"{"maximum":1e1000000}"#, accepts: "9e999999"),
        Verdict(#"{"minimum":0}"#, refuses: "-1e-999999999999999999999999"),
        Verdict(#"{"maxLength":2.0}"#, refuses: #""abc""#),
        Verdict(#"{"maxLength":1e30}"#, accepts: #""abc""#),
    ])
    func boundsAreExact(_ verdict: Verdict) throws {
        try verdict.check()
    }

    @Test(arguments: [
        Verdict(#"{"multipleOf":0.01}"#, accepts: "19.99"),
        Verdict(#"{"multipleOf":0.0001}"#, accepts: "0.0075"),
        Verdict(#"{"multipleOf":0.0001}"#, refuses: "0.00751"),
        Verdict(#"{"multipleOf":1e-8}"#, accepts: "12391239123"),
        Verdict(#"{"type":"integer","multipleOf":0.123456789}"#, refuses: "1e308"),
        Verdict(#"{"multipleOf":0.5}"#, accepts: "1e308"),
        Verdict(#"{"multipleOf":3}"#, refuses: "1e999999999"),
        Verdict(#"{"multipleOf":1024}"#, accepts: "1e999999999"),
        Verdict(#"{"multipleOf":1e-999999999}"#, accepts: "7"),
        Verdict(#"{"multipleOf":7}"#, accepts: "0e5"),
        Verdict(#"{"multipleOf":123456789012345678901234567}"#, accepts: "-370370367037037036703703701"),
        Verdict(#"{"multipleOf":123456789012345678901234567}"#, refuses: "370370367037037036703703702"),
        Verdict(#"{"multipleOf":9.5367431640625e-7}"#, accepts: "1"),
        Verdict(#"{"multipleOf":1267650600228229401496703205376}"#, accepts: "1e100"),
        Verdict(#"{"multipleOf":1267650600228229401496703205376}"#, refuses: "1e99"),
    ])
    func multiplesAreExact(_ verdict: Verdict) throws {
        try verdict.check()
    }
}
