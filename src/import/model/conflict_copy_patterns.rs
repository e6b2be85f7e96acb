//! The name patterns by which sync services mark conflict copies: one row
//! for each service and language, with a name as it makes them and where that is known from.

pub(crate) struct CopyPattern {
    pub(crate) service: &'static str,
    pub(crate) shape: CopyNameShape,
    pub(crate) trust: PatternTrust,
    /// A name as the service makes it, and the name of the file it belongs to.
    #[cfg_attr(not(test), expect(dead_code, reason = "the examples are the tests"))]
    pub(crate) example: (&'static str, &'static str),
    /// Where the name is known from.
    #[cfg_attr(not(test), expect(dead_code, reason = "for those who read the table"))]
    pub(crate) source: &'static str,
}

/// The shape of a name. Texts are in lower case, and without accents where a file system
/// may write those in another way.
pub(crate) enum CopyNameShape {
    /// `name (… text …).json`, also `[…]`: brackets at the end, whatever else stands in
    /// them.
    Brackets(&'static str),
    /// The same where a date stands in them too: for languages nobody told us of.
    Dated(&'static str),
    /// `name.text….json`: a suffix of its own before the extension.
    Suffix(&'static str),
    /// `name.Conflict.json`, `name.Conflict2.json`, `name.Conflict.Conflict.json`.
    Repeated(&'static str),
    /// `name-DESKTOP-AB12CD3.json`: the name that Windows gives a computer.
    WindowsComputer(&'static str),
    /// `name_Andy-PC_Jan-03-0901-2013_Conflict.json`.
    SynologyClient,
}

/// Whether a person may have given such a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatternTrust {
    /// Nobody names a file so.
    Sure,
    /// It is a copy only where its file lies beside it.
    Doubtful,
}

use self::CopyNameShape::{Brackets, Dated, Repeated, Suffix, SynologyClient, WindowsComputer};
use self::PatternTrust::{Doubtful, Sure};

const fn copy_pattern(
    service: &'static str,
    shape: CopyNameShape,
    trust: PatternTrust,
    example: (&'static str, &'static str),
    source: &'static str,
) -> CopyPattern {
    CopyPattern { service, shape, trust, example, source }
}

const REPORTED: &str = "names that people report in public repositories, scripts and ignore files";
const DROPBOX: &str = "Dropbox help, conflicted copies";
const NEXTCLOUD: &str = "docs.nextcloud.com, desktop manual, Conflicts";
const OWNCLOUD: &str = "doc.owncloud.com, desktop app, Manage Synchronisation Conflicts";

/// The first that fits counts.
#[rustfmt::skip]
pub(crate) const COPY_PATTERNS: &[CopyPattern] = &[
    copy_pattern("Syncthing", Suffix(".sync-conflict-"), Sure,
        ("fox.sync-conflict-20260220-143059-ABCDEF7.json", "fox.json"),
        "docs.syncthing.net, Understanding Synchronization, Conflicting Changes"),
    copy_pattern("Nextcloud or ownCloud", Brackets("(conflicted copy "), Sure,
        ("mydata (conflicted copy 2018-04-10 093612).json", "mydata.json"), NEXTCLOUD),
    copy_pattern("ownCloud", Suffix("_conflict-"), Doubtful,
        ("mydata_conflict-20180410-093612.json", "mydata.json"), OWNCLOUD),
    copy_pattern("Dropbox", Brackets("conflicted copy"), Sure,
        ("passwords (D T's conflicted copy 2025-11-04).json", "passwords.json"), DROPBOX),
    copy_pattern("Dropbox (German)", Brackets("in konflikt stehende kopie"), Sure,
        ("fox (Anns in Konflikt stehende Kopie 2026-02-20).json", "fox.json"), REPORTED),
    copy_pattern("Dropbox (German)", Brackets("konfliktkopie"), Sure,
        ("fox (Konfliktkopie von Ann 2026-02-20).json", "fox.json"), REPORTED),
    copy_pattern("Dropbox (French)", Brackets("copie en conflit"), Sure,
        ("kivy_exporter (Copie en conflit de SEMLOG-GTH-0001 2025-11-17).json", "kivy_exporter.json"), REPORTED),
    copy_pattern("Dropbox (Spanish)", Brackets("copia en conflicto"), Sure,
        ("FICHA DATOS (Copia en conflicto de D SM 2024-03-08).json", "FICHA DATOS.json"), REPORTED),
    copy_pattern("Dropbox (Spanish)", Brackets("copia conflictiva"), Sure,
        ("fox (Copia conflictiva de Ann 2013-02-20).json", "fox.json"), REPORTED),
    copy_pattern("Dropbox (Italian)", Brackets("copia in conflitto"), Sure,
        ("index (Copia in conflitto di MBP-di-Marco.fritz.box 2026-10-08).json", "index.json"), REPORTED),
    copy_pattern("Dropbox (Portuguese)", Brackets("pia em conflito"), Sure,
        ("SENHAS (Cópia em conflito de Contabilidade Cajuru 2026-08-25 1).json", "SENHAS.json"), REPORTED),
    copy_pattern("Dropbox (Polish)", Brackets("kopia powoduj"), Sure,
        ("fox (kopia powodująca konflikt użytkownika Jan 2026-10-02).json", "fox.json"), REPORTED),
    copy_pattern("Dropbox (Russian)", Brackets("конфликтующая копия"), Sure,
        ("1-568 от Центра (Конфликтующая копия пользователя Alexei Macheret 2022-02-14 02_1.12.08 PM).json",
         "1-568 от Центра.json"), REPORTED),
    copy_pattern("Dropbox (Japanese)", Brackets("競合コピー"), Sure,
        ("SPH1_lap_div_U2 (平川知明 の競合コピー 2023-10-29).json", "SPH1_lap_div_U2.json"), REPORTED),
    copy_pattern("Dropbox (Japanese)", Brackets("問題のあるコピー"), Sure,
        ("fox (Ann 上の問題のあるコピー 2012-02-20).json", "fox.json"), REPORTED),
    copy_pattern("Dropbox (Korean)", Brackets("충돌된 사본"), Sure,
        ("보고서 (김의 충돌된 사본 2026-09-29).json", "보고서.json"), REPORTED),
    copy_pattern("Dropbox or Nutstore (Chinese)", Brackets("冲突副本"), Sure,
        ("README(Cong-Windows的冲突副本1_2026-06-26 02-11-37).json", "README.json"), REPORTED),
    copy_pattern("Dropbox or OneDrive (Chinese)", Brackets("衝突複本"), Sure,
        ("collect (你的電腦的衝突複本).json", "collect.json"), REPORTED),
    copy_pattern("Google Drive", Brackets("[conflict]"), Sure,
        ("budget[Conflict].json", "budget.json"), REPORTED),
    copy_pattern("Google Drive", Dated("conflict 2"), Doubtful,
        ("fox (conflict 2026-02-20-14-30-59).json", "fox.json"), REPORTED),
    copy_pattern("pCloud", Brackets("[conflicted"), Sure,
        ("fox [conflicted].json", "fox.json"), REPORTED),
    copy_pattern("OneDrive", WindowsComputer("-desktop-"), Doubtful,
        ("fox-DESKTOP-AB12CD3.json", "fox.json"),
        "Microsoft's help on OneDrive: the name of the computer is appended"),
    copy_pattern("OneDrive", WindowsComputer("-laptop-"), Doubtful,
        ("fox-LAPTOP-9QK2J7M1.json", "fox.json"),
        "Microsoft's help on OneDrive: the name of the computer is appended"),
    copy_pattern("Seafile", Brackets("sfconflict"), Sure,
        ("test (SFConflict name@example.com 2015-03-07-11-30-28).json", "test.json"),
        "help.seafile.com, File conflicts"),
    copy_pattern("Resilio Sync", Repeated(".conflict"), Sure,
        ("filename.Conflict.Conflict2.json", "filename.json"),
        "help.resilio.com, Conflict files in Sync"),
    copy_pattern("Synology Drive", SynologyClient, Sure,
        ("a_Andy-PC_Jan-03-0901-2013_CaseConflict_1.json", "a.json"),
        "kb.synology.com, Why is there file conflict on Synology Drive"),
    copy_pattern("FileCloud", Brackets("(conflict_"), Sure,
        ("fox(Conflict_other (Web browser)_2020-03-25-22-50-36).json", "fox.json"),
        "FileCloud support, Managing Sync Conflicts"),
    copy_pattern("a synced folder", Dated("confli"), Doubtful,
        ("fox (Ann's conflict copy 2026-02-20).json", "fox.json"), REPORTED),
    copy_pattern("a synced folder", Dated("konfli"), Doubtful,
        ("fox (Anns konfliktkopia 2026-02-20).json", "fox.json"), REPORTED),
    copy_pattern("a synced folder", Dated("конфл"), Doubtful,
        ("fox (конфліктна копія Ann 2026-02-20).json", "fox.json"), REPORTED),
];
