//! `lantern resources` and `lantern graph`: what is looked at and never changed.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use lantern::diagnostic::Diagnostic;
use lantern::engine::notes;
use lantern::safety::reply;
use lantern::safety::resource::{CountryResources, Date};
use lantern::script::{Language, draw};
use lantern::shell::clock;
use lantern::shell::config::Config;

use super::{Drawing, find_country, library_as_is, workbench};

pub(super) fn graph(config: &Config, guide: &str, language: &str, format: Drawing) -> Result<ExitCode> {
    let library = library_as_is(&config.scripts)?;
    let found = library.guide(guide, Some(&Language::new(language)));
    let found = found.with_context(|| workbench::no_guide(&library, guide))?;
    let drawing = match format {
        Drawing::Mermaid => draw::mermaid(found),
        Drawing::Dot => draw::dot(found),
    };
    write!(io::stdout(), "{drawing}")?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn resources(config: &Config, country: Option<&str>, stale: bool) -> Result<ExitCode> {
    let library = library_as_is(&config.scripts)?;
    let resources = &library.resources;
    let mut out = anstream::AutoStream::auto(io::stdout());
    if stale {
        let found = resources.stale(today());
        for one in &found {
            writeln!(out, "{one}\n")?;
        }
        writeln!(out, "{} stale", found.len())?;
        return Ok(if found.iter().any(Diagnostic::is_error) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        });
    }
    match country {
        Some(name) => {
            let country = find_country(resources, name)?;
            let listed = resources
                .country(country)
                .with_context(|| format!("there are no checked numbers for {country}"))?;
            describe(&mut out, listed)?;
        }
        None => {
            for listed in resources.countries() {
                let line = reply::main_line(resources, Some(listed.code), library.wording(None));
                let line = line.unwrap_or_else(|| "no checked line".to_owned());
                writeln!(
                    out,
                    "{}  {:<24} emergency {:<10} {line}",
                    listed.code, listed.name, listed.emergency.number
                )?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn today() -> Date {
    let today = notes::date(clock::now());
    Date::parse(&today).unwrap_or_else(|| unreachable!("{today} is a day"))
}

fn describe(out: &mut impl Write, listed: &CountryResources) -> Result<()> {
    writeln!(out, "{} ({})", listed.name, listed.code)?;
    let note = listed.emergency.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
    writeln!(out, "  emergency: {}{note}", listed.emergency.number)?;
    writeln!(
        out,
        "    checked {}, sources {}",
        listed.emergency.checked,
        listed.emergency.sources.join(", ")
    )?;
    for service in &listed.services {
        writeln!(out, "  {} [{}]", service.name, service.id)?;
        let sms = service.sms.as_ref().map(|sms| match &sms.keyword {
            Some(keyword) => format!("{keyword} to {}", sms.number),
            None => sms.number.clone(),
        });
        for (what, value) in [
            ("call", &service.phone),
            ("text", &sms),
            ("WhatsApp", &service.whatsapp),
            ("chat", &service.chat_url),
            ("web", &service.website),
            ("hours", &service.hours),
        ] {
            if let Some(value) = value {
                writeln!(out, "    {what}: {value}")?;
            }
        }
        writeln!(out, "    checked {}, sources {}", service.checked, service.sources.join(", "))?;
    }
    Ok(())
}
