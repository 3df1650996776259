use super::*;

fn metrics() -> Metrics {
    Metrics::new(["xai_realtime", "scribe"], ["xai"])
}

/// The value of the sample that begins like this.
fn value(metrics: &Metrics, sample: &str) -> Option<String> {
    let text = metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.map(str::to_owned)
}

#[test]
fn counts_what_happens() {
    let metrics = metrics();
    metrics.decided(Some("xai_realtime"), "vended");
    metrics.clone().decided(Some("xai_realtime"), "vended");
    metrics.decided(None, "unknown_token_type");
    metrics.refused("caller", Mode::Enforce);
    metrics.refused("caller", Mode::Observe);
    metrics.audit_failed();
    metrics.minted("xai", Duration::from_millis(250), MintOutcome::Unknown);
    metrics.panicked();
    let one = |sample| assert_eq!(value(&metrics, sample).as_deref(), Some("1"), "{sample}");
    one("valetkey_decisions_total{token_type=\"none\",outcome=\"unknown_token_type\"}");
    one("valetkey_limit_refusals_total{limit=\"caller\",mode=\"enforce\"}");
    one("valetkey_limit_refusals_total{limit=\"caller\",mode=\"observe\"}");
    one("valetkey_audit_failures_total");
    one("valetkey_mint_seconds_count{provider=\"xai\"}");
    one("valetkey_mint_seconds_bucket{le=\"0.3\",provider=\"xai\"}");
    one("valetkey_mints_total{provider=\"xai\",result=\"unknown\"}");
    one("valetkey_panics_total");
    one("valetkey_build_info{version=\"0.1.0\"}");
    let vended = "valetkey_decisions_total{token_type=\"xai_realtime\",outcome=\"vended\"}";
    assert_eq!(value(&metrics, vended).as_deref(), Some("2"));
    let below = "valetkey_mint_seconds_bucket{le=\"0.2\",provider=\"xai\"}";
    assert_eq!(value(&metrics, below).as_deref(), Some("0"));
}

#[test]
fn counters_begin_at_zero() {
    let metrics = metrics();
    let zero = |sample| assert_eq!(value(&metrics, sample).as_deref(), Some("0"), "{sample}");
    zero("valetkey_decisions_total{token_type=\"scribe\",outcome=\"vended\"}");
    zero("valetkey_audit_failures_total");
    zero("valetkey_mint_seconds_count{provider=\"xai\"}");
    zero("valetkey_mints_total{provider=\"xai\",result=\"minted\"}");
    zero("valetkey_panics_total");
}

#[test]
fn the_store_is_there_only_where_there_is_one() {
    let metrics = metrics();
    let store = || value(&metrics, "valetkey_limit_store_up");
    assert_eq!(store(), None);
    metrics.limit_store(Some(true), 0);
    assert_eq!(store().as_deref(), Some("1"));
    metrics.limit_store(Some(false), 3);
    assert_eq!(store().as_deref(), Some("0"));
    let without = value(&metrics, "valetkey_limit_decisions_without_store_total");
    assert_eq!(without.as_deref(), Some("3"));
    metrics.limit_store(None, 0);
    assert_eq!(store(), None);
}

#[test]
fn names_from_outside_make_no_new_labels() {
    let metrics = metrics();
    metrics.decided(Some("x"), "unknown_token_type");
    metrics.minted("x", Duration::ZERO, MintOutcome::Minted);
    let before = metrics.render().lines().count();
    for n in 0..1_000 {
        metrics.decided(Some(&format!("x{n}\"}} 1\nvaletkey_")), "unknown_token_type");
        metrics.minted(&format!("x{n}"), Duration::ZERO, MintOutcome::Minted);
    }
    assert_eq!(metrics.render().lines().count(), before);
}

#[test]
fn the_text_is_open_metrics() {
    let metrics = metrics();
    metrics.refused("caller", Mode::Observe);
    metrics.limit_store(Some(true), 0);
    let text = metrics.render();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    assert!(text.contains("# UNIT valetkey_mint_seconds seconds\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sample, value) = line.rsplit_once(' ').unwrap();
        assert!(sample.starts_with("valetkey_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[test]
fn every_metric_is_documented() {
    let metrics = metrics();
    metrics.refused("caller", Mode::Observe);
    metrics.limit_store(Some(true), 0);
    let _key = metrics.provider_key("xai", 1, &["key"]);
    let _retries = metrics.provider_retries("xai", &["refused"]);
    let _pool = metrics.pool("scribe", &["expired"]);
    let text = metrics.render();
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = families.map(|family| match family.split_once(' ').unwrap() {
        (name, "counter") => format!("{name}_total"),
        (name, "info") => format!("{name}_info"),
        (name, _) => name.to_owned(),
    });
    let page = include_str!("../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), names.collect::<Vec<_>>());
}
