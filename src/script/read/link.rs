//! Where a link leads: to the web, to a step, or to a page of another guide.

/// Whether a link leads to a step or a page of a guide, and not to the web.
pub(super) fn is_local(to: &str) -> bool {
    to.starts_with('#') || (!to.contains("://") && !to.starts_with("mailto:") && !to.starts_with("www."))
}

/// The guide, language and step that a link written in the file `path` means, if it stays below the
/// scripts folder and has the form of a guide's page.
pub(super) fn local_target<'t>(path: &'t str, to: &'t str) -> Option<(&'t str, &'t str, Option<&'t str>)> {
    let (page, anchor) = match to.split_once('#') {
        Some((page, anchor)) => (page, Some(anchor).filter(|anchor| !anchor.is_empty())),
        None => (to, None),
    };
    let own = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (folder, file) = if page.is_empty() {
        (own, path.rsplit('/').next().unwrap_or(path))
    } else {
        match page.strip_prefix("./").unwrap_or(page).split_once('/') {
            None => (own, page),
            // One step up and one down is all that the folder of guides has.
            Some(("..", rest)) => rest.split_once('/')?,
            Some(_) => return None,
        }
    };
    let language = file.strip_suffix(".md")?;
    let plain = |name: &str| !name.is_empty() && !name.contains(['/', '\\', '.']);
    (plain(folder) && plain(language)).then_some((folder, language, anchor))
}
