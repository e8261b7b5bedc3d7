use super::*;

const MALFORMED: &str = "S401";
const NO_EMERGENCY: &str = "S402";
const NO_EVIDENCE: &str = "S403";
const DO_NOT_USE: &str = "S404";
const UNREADABLE: &str = "S406";

fn country(code: &str) -> Country {
    Country::parse(code).expect("a code")
}

const BUILT_IN: &str = include_str!("../../../scripts/resources.toml");

/// What is wrong with the built-in file after one change.
fn broken(from: &str, to: &str) -> Vec<Diagnostic> {
    assert!(BUILT_IN.contains(from), "{from}");
    Resources::read("resources.toml", &BUILT_IN.replacen(from, to, 1)).expect_err("it is broken")
}

fn faults(from: &str, to: &str) -> Vec<(&'static str, String)> {
    broken(from, to).into_iter().map(|one| (one.code, one.what)).collect()
}

/// What is wrong with a file of one country, with this written into its service.
fn in_service(code: &str, lines: &str) -> Vec<(&'static str, String)> {
    let at = BUILT_IN.find("[[country]]").expect("a country");
    let text = format!(
        "{}[[country]]\ncode = \"{code}\"\nname = \"Here\"\nemergency = \"112\"\nsources = [\"W\"]\nchecked = \"2026-10-08\"\n\
         [[country.service]]\nid = \"one\"\nname = \"One\"\n{lines}\nconfidence = \"high\"\nsources = [\"W\"]\nchecked = \"2026-10-08\"\n",
        &BUILT_IN[..at]
    );
    match Resources::read("resources.toml", &text) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|one| (one.code, one.what)).collect(),
    }
}

#[test]
fn every_number_has_evidence_and_the_day_of_its_last_check() {
    let resources = Resources::builtin();
    let today = Date::parse("2026-11-23").expect("a day");
    assert_eq!(resources.countries().count(), 112);
    for listed in resources.countries() {
        let emergency = &listed.emergency;
        assert!(!emergency.number.is_empty() && !emergency.sources.is_empty(), "{}", listed.name);
        assert!(emergency.checked <= today, "{}", listed.name);
        for service in &listed.services {
            assert!(!service.sources.is_empty() && service.checked <= today, "{}", service.id);
            assert!(service.id.starts_with(&format!("{}/", listed.code)), "{}", service.id);
        }
    }
}

#[test]
fn a_country_is_known_by_its_name_in_every_language_that_people_write() {
    let resources = Resources::builtin();
    for (typed, code) in [
        ("Almanya", "DE"),
        ("日本", "JP"),
        ("한국", "KR"),
        ("台灣", "TW"),
        ("香港", "HK"),
        ("مصر", "EG"),
        ("भारत", "IN"),
        ("Україна", "UA"),
        ("россия", "RU"),
        ("Etats-Unis", "US"),
        ("Türkiye", "TR"),
        ("reino unido", "GB"),
        ("Tchad", "TD"),
    ] {
        assert_eq!(resources.find(typed), Some(country(code)), "{typed}");
    }
}

#[test]
fn no_number_that_must_not_be_used_is_shown_anywhere() {
    // Written out here once more, so that the file alone can't let one back in.
    let wrong = [
        ("KR", "1393"),
        ("SG", "18002214444"),
        ("IN", "18005990019"),
        ("US", "9883"),
        ("CA", "18334564566"),
        ("CA", "45645"),
        ("BR", "141"),
        ("NL", "09000113"),
        ("HR", "0800655222"),
        ("TR", "182"),
        ("CN", "12355"),
        ("JP", "0570064556"),
        ("GB", "08457909090"),
        ("IE", "1850609090"),
        ("IT", "024"),
        ("IT", "199284284"),
        ("IT", "800274274"),
        ("MY", "0379568145"),
    ];
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    for (code, wrong) in wrong {
        for service in &Resources::builtin().country(country(code)).expect("listed").services {
            let sms = service.sms.as_ref().map(|sms| &sms.number);
            for number in [service.phone.as_ref(), sms, service.whatsapp.as_ref()].into_iter().flatten() {
                assert!(
                    number.split(" / ").all(|number| digits(number) != wrong),
                    "{}: {number}",
                    service.id
                );
            }
        }
    }
    let denmark = Resources::builtin().country(country("DK")).expect("listed");
    assert!(denmark.services.iter().all(|service| service.hours.as_deref() != Some("24/7")));
}

#[test]
fn people_name_their_country_in_many_ways() {
    let resources = Resources::builtin();
    for (typed, code) in [
        ("uk", "GB"),
        ("U.K.", "GB"),
        ("England", "GB"),
        ("the united kingdom", "GB"),
        ("usa", "US"),
        ("America", "US"),
        ("holland", "NL"),
        ("Deutschland", "DE"),
        ("türkiye", "TR"),
        ("turkiye", "TR"),
        ("osterreich", "AT"),
        ("Brasil", "BR"),
        ("mexico", "MX"),
        ("Turkey", "TR"),
        ("日本", "JP"),
        ("new zealand", "NZ"),
        ("gb", "GB"),
        ("is", "IS"),
    ] {
        assert_eq!(resources.find(typed), Some(country(code)), "{typed}");
    }
    for typed in ["narnia", "", "xx", "zz", "ok"] {
        assert_eq!(resources.find(typed), None, "{typed}");
    }
    assert_eq!(resources.suggest("germny"), Some("Germany"));
}

#[test]
fn a_short_answer_is_not_taken_for_a_country() {
    let resources = Resources::builtin();
    for typed in ["no", "No.", "so", "me", "im", "it is", "is", "sí", "to"] {
        assert_eq!(resources.find_in_talk(typed), None, "{typed}");
    }
    for (typed, code) in
        [("uk", "GB"), ("us", "US"), ("Norway", "NO"), ("nz", "NZ"), ("the usa", "US"), ("CA", "CA")]
    {
        assert_eq!(resources.find_in_talk(typed), Some(country(code)), "{typed}");
    }
    for word in WORDS {
        assert!(Country::parse(word).is_some_and(Country::is_assigned), "{word} is no country's code");
    }
}

#[test]
fn a_person_in_britain_gets_samaritans_and_999() {
    let contacts = Resources::builtin().contacts(Some(country("GB")));
    assert!(
        contacts.services[0].name.contains("Samaritans")
            && contacts.services[0].phone.as_deref() == Some("116 123")
    );
    assert_eq!(contacts.emergency, Some("999"));
}

#[test]
fn where_the_country_is_not_known_or_not_listed_no_country_is_assumed() {
    let resources = Resources::builtin();
    for unknown in [None, Some(country("TD"))] {
        let contacts = resources.contacts(unknown);
        assert!(contacts.services.is_empty() && contacts.emergency.is_none(), "{unknown:?}");
        assert_eq!(contacts.directory, "https://findahelpline.com");
    }
    assert_eq!(resources.find("TD"), Some(country("TD")), "it is a country all the same");
    assert_eq!(resources.international().emergency(), "112");
    assert_eq!(resources.international().befrienders(), "https://befrienders.org");
}

#[test]
fn a_country_without_a_sure_line_has_its_emergency_number_and_the_directory() {
    let resources = Resources::builtin();
    let bare: Vec<_> = resources.countries().filter(|listed| listed.services.is_empty()).collect();
    assert!(!bare.is_empty());
    for listed in bare {
        let contacts = resources.contacts(Some(listed.code));
        assert_eq!(contacts.emergency, Some(listed.emergency.number.as_str()), "{}", listed.name);
        assert!(contacts.directory.starts_with("https://"), "{}", listed.name);
    }
}

#[test]
fn a_note_says_what_else_works_in_an_emergency() {
    let contacts = Resources::builtin().contacts(Some(country("GB")));
    assert_eq!(contacts.emergency_note, Some("112 also works"));
}

#[test]
fn a_line_for_young_people_comes_last_and_only_once() {
    let ids = |code| -> Vec<&str> {
        let contacts = Resources::builtin().contacts(Some(country(code)));
        contacts.services.iter().map(|service| service.id.as_str()).collect()
    };
    assert_eq!(ids("CA"), ["CA/9-8-8-suicide-crisis-helpline", "CA/kids-help-phone"]);
    for listed in Resources::builtin().countries() {
        let chosen = Resources::builtin().contacts(Some(listed.code)).services;
        let youth = chosen.iter().filter(|service| service.youth).count();
        assert_eq!(
            youth,
            usize::from(listed.services.iter().any(|service| service.youth)),
            "{}",
            listed.name
        );
        assert!(youth == 0 || chosen.last().is_some_and(|last| last.youth), "{}", listed.name);
    }
}

#[test]
fn hours_are_never_claimed_that_a_source_is_not_sure_of() {
    for service in Resources::builtin().countries().flat_map(|listed| &listed.services) {
        let hours = service.hours.as_deref().unwrap_or_default();
        assert!(
            !["verify", "one list", "disagree"].iter().any(|doubt| hours.contains(doubt)),
            "{}: {hours}",
            service.id
        );
        assert!(!hours.contains("24/7") || hours == "24/7", "{}: {hours}", service.id);
    }
}

#[test]
fn no_message_shows_more_than_three_lines_and_the_first_is_for_everyone() {
    for listed in Resources::builtin().countries() {
        let chosen = Resources::builtin().contacts(Some(listed.code)).services;
        assert!(chosen.len() <= MOST_SERVICES, "{}", listed.name);
        let mut ids: Vec<&str> = chosen.iter().map(|service| service.id.as_str()).collect();
        ids.dedup();
        assert_eq!(ids.len(), chosen.len(), "{}", listed.name);
        if listed.services.iter().any(|service| service.audience.is_none()) {
            assert!(chosen[0].audience.is_none(), "{}: {}", listed.name, chosen[0].name);
        }
    }
}

#[test]
fn a_number_that_is_known_to_be_wrong_is_refused_however_it_is_written() {
    for (code, lines) in [
        ("GB", "phone = \"08457 90 90 90\""),
        ("GB", "phone = \"08457-909090\""),
        ("GB", "phone = \"116 123 / 08457 90 90 90\""),
        ("GB", "phone = \"116 123 or 08457 90 90 90\""),
        ("GB", "phone = \"+44 8457 90 90 90\""),
        ("KR", "phone = \"+82 1393\""),
        ("CA", "phone = \"988\"\nsms = \"45645\""),
        ("US", "phone = \"988, press 3\""),
        ("US", "sms = \"988\"\nsms_keyword = \"pride\""),
        ("FR", "phone = \"+33 3114\""),
        ("US", "phone = \"+1 988\""),
    ] {
        let found = in_service(code, lines);
        assert_eq!(
            found.iter().map(|one| one.0).collect::<Vec<_>>(),
            [DO_NOT_USE],
            "{code} {lines}: {found:?}"
        );
    }
    assert!(in_service("GB", "phone = \"08457 90 90 90\"")[0].1.contains("old Samaritans number"));
    let found = faults("id = \"livslinien\"", "id = \"livslinien\"\nhours = \"24/7\"");
    assert!(found[0].0 == DO_NOT_USE && found[0].1.contains("closed for part of the night"), "{found:?}");
}

#[test]
fn a_number_that_is_wrong_in_one_country_may_be_right_in_another() {
    for (code, lines) in [
        ("ES", "phone = \"024\""),
        ("GB", "phone = \"116 123\""),
        ("US", "sms = \"988\""),
        ("NO", "phone = \"141\""),
    ] {
        assert_eq!(in_service(code, lines), [], "{code} {lines}");
    }
}

#[test]
fn a_number_without_evidence_or_date_is_refused() {
    assert_eq!(faults("checked = \"2026-10-08\"", "checked = \"soon\"")[0].0, NO_EVIDENCE);
    assert_eq!(faults("sources = [\"W\", \"S\", \"AN\", \"V\"]", "sources = []")[0].0, NO_EVIDENCE);
    assert_eq!(faults("sources = [\"W\", \"S\", \"AN\", \"V\"]", "sources = [\"Q\"]")[0].0, NO_EVIDENCE);
    assert_eq!(faults("emergency = \"911\"\nsources", "sources")[0].0, NO_EMERGENCY);
    assert_eq!(faults("phone = \"988\"", "phone = \"call us\"")[0].0, MALFORMED);
    assert_eq!(faults("website = \"https://", "website = \"ftp://")[0].0, MALFORMED);
}

#[test]
fn every_mistyped_key_is_answered_with_the_nearest() {
    let text = BUILT_IN.replacen("phone =", "phnoe =", 1).replacen("emergency_note =", "emergancy_note =", 1);
    let found = Resources::read("resources.toml", &text).expect_err("it is broken");
    let helps: Vec<(&str, &str)> = found.iter().map(|one| (one.code, one.help.as_str())).collect();
    assert_eq!(helps, [(UNREADABLE, "did you mean phone?"), (UNREADABLE, "did you mean emergency_note?")]);
    let place = found[0].place.as_ref().expect("a place");
    assert!(place.excerpt.starts_with("phnoe =") && place.column == 1, "{place:?}");
}

#[test]
fn all_faults_of_a_file_are_told_in_order() {
    let text = BUILT_IN
        .replacen("phone = \"988\"", "phone = \"call us\"", 1)
        .replacen("website = \"https://www.samaritans.org/\"", "website = \"samaritans\"", 1)
        .replacen("emergency = \"000\"\n", "", 1)
        .replacen("id = \"shout\"", "id = \"samaritans\"", 1);
    let found = Resources::read("resources.toml", &text).expect_err("it is broken");
    let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
    assert_eq!(codes, [MALFORMED, MALFORMED, UNREADABLE, NO_EMERGENCY], "{found:?}");
    assert!(found.is_sorted_by_key(|one| one.place.as_ref().map(|place| place.line)));
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    let found = Resources::read("resources.toml", "[source\n").expect_err("it is broken");
    assert_eq!((found[0].code, found[0].place.as_ref().map(|place| place.line)), (UNREADABLE, Some(1)));
    assert_eq!(broken("youth = true", "youth = \"yes\"")[0].code, UNREADABLE);
}

#[test]
fn age_is_counted_in_whole_months() {
    let day = |text| Date::parse(text).expect("a day");
    assert_eq!(day("2025-11-24").months_until(day("2026-11-23")), 11);
    assert_eq!(day("2025-11-23").months_until(day("2026-11-23")), 12);
    assert_eq!(day("2027-01-01").months_until(day("2026-11-23")), 0);
    for wrong in [
        "2026-13-01",
        "2026-02-29",
        "2026-00-10",
        "2026-1-01",
        "2026-+1-01",
        "soon",
        "1969-12-31",
        "２０２６",
    ] {
        assert_eq!(Date::parse(wrong), None, "{wrong}");
    }
    assert!(Date::parse("2028-02-29").is_some());
}

#[test]
fn what_was_not_checked_for_two_years_is_an_error() {
    let found = Resources::builtin().stale(Date::parse("2028-12-01").expect("a day"));
    assert!(found.iter().any(Diagnostic::is_error));
    let today = Resources::builtin().stale(Date::parse("2026-11-23").expect("a day"));
    assert!(!today.iter().any(Diagnostic::is_error), "{}", today[0]);
}
