//! Windows: times of the week in which a hop may start, by the clocks of a place.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::api::{Window as Written, whole_minutes};
use crate::text::plain;

use super::time::after;

/// How many days are looked ahead for an opening. A window opens each week.
const DAYS_AHEAD: i32 = 8;

/// The longest that a window is open, in minutes.
const LONGEST: u32 = 7 * 24 * 60;

/// A time of the week in which a hop may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    days: Vec<Weekday>,
    start: Time,
    duration: SignedDuration,
    zone: TimeZone,
}

/// What a set of windows says at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// One is open.
    Open,
    /// The next one opens then.
    At(Timestamp),
    /// None opens in the time that can be told.
    Never,
}

impl Window {
    /// Reads a window. The error is for the end of a sentence.
    pub fn new(window: &Written) -> Result<Self, String> {
        let Written {
            days,
            start,
            duration,
            time_zone,
        } = window;
        let quoted = |text: &str| plain(text, 64);
        let days: Vec<_> = days
            .iter()
            .map(|day| {
                weekday(day).ok_or_else(|| {
                    format!(
                        "{:?} is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun",
                        quoted(day)
                    )
                })
            })
            .collect::<Result<_, _>>()?;
        if days.is_empty() {
            return Err("it names no day, so it never opens".to_owned());
        }
        let minutes = whole_minutes(duration).ok_or_else(|| {
            format!(
                "{:?} is no duration in hours and minutes such as 4h or 90m",
                quoted(duration)
            )
        })?;
        if minutes == 0 {
            return Err("it lasts for no time, so it never opens".to_owned());
        }
        if minutes > LONGEST {
            return Err(format!(
                "it lasts for {:?}, longer than the week in which it comes again",
                quoted(duration)
            ));
        }
        let zone = time_zone.as_deref().unwrap_or("UTC");
        Ok(Self {
            days,
            start: clock(start).ok_or_else(|| {
                format!(
                    "{:?} is no time of day such as 02:00 or 22:30",
                    quoted(start)
                )
            })?,
            duration: SignedDuration::from_mins(minutes.into()),
            zone: TimeZone::get(zone).map_err(|_| {
                format!(
                    "{:?} is no IANA time zone such as UTC or Europe/Berlin",
                    quoted(zone)
                )
            })?,
        })
    }

    /// The first opening that is not over at `at`: then it is open if it has begun.
    ///
    /// Where the clocks are set forward over the start, it opens as many minutes later as they were; where the start comes
    /// twice, at the first. It is open for as long as it says by a clock that nobody sets.
    fn opening(&self, at: Timestamp) -> Option<Timestamp> {
        let local = self.zone.to_datetime(at).date();
        // One that is open may have begun a week ago.
        (-DAYS_AHEAD..=DAYS_AHEAD)
            .filter_map(|days| local.checked_add(days.days()).ok())
            .filter(|date| self.days.contains(&date.weekday()))
            .filter_map(|date| {
                let start = date.to_datetime(self.start);
                let start = self.zone.to_ambiguous_timestamp(start);
                start.compatible().ok()
            })
            .filter(|start| after(*start, self.duration) > at)
            .min()
    }
}

/// Whether one of `windows` is open at `at`, or when the next opens. Without any, it is always open.
pub fn opening(windows: &[Window], at: Timestamp) -> Opening {
    if windows.is_empty() {
        return Opening::Open;
    }
    match windows.iter().filter_map(|window| window.opening(at)).min() {
        Some(start) if start <= at => Opening::Open,
        Some(start) => Opening::At(start),
        None => Opening::Never,
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "Mon" => Weekday::Monday,
        "Tue" => Weekday::Tuesday,
        "Wed" => Weekday::Wednesday,
        "Thu" => Weekday::Thursday,
        "Fri" => Weekday::Friday,
        "Sat" => Weekday::Saturday,
        "Sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// "HH:MM".
fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        if is_two { digits.parse().ok() } else { None }
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[&str], start: &str, duration: &str, zone: &str) -> Window {
        Window::new(&Written {
            days: days.iter().map(ToString::to_string).collect(),
            start: start.to_owned(),
            duration: duration.to_owned(),
            time_zone: Some(zone.to_owned()),
        })
        .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn opens(windows: &[Window], now: &str) -> String {
        match opening(windows, at(now)) {
            Opening::Open => "open".to_owned(),
            Opening::At(at) => at.to_string(),
            Opening::Never => "never".to_owned(),
        }
    }

    #[test]
    fn it_is_open_from_its_start_until_its_end() {
        let saturday = [window(&["Sat"], "02:00", "4h", "UTC")];
        for (now, expected) in [
            ("2026-11-27T12:00:00Z", "2026-11-28T02:00:00Z"),
            ("2026-11-28T01:59:59.999Z", "2026-11-28T02:00:00Z"),
            ("2026-11-28T02:00:00Z", "open"),
            ("2026-11-28T05:59:59.999Z", "open"),
            ("2026-11-28T06:00:00Z", "2026-12-05T02:00:00Z"),
        ] {
            assert_eq!(opens(&saturday, now), expected, "{now}");
        }
        assert_eq!(opens(&[], "2026-11-28T06:00:00Z"), "open");
    }

    #[test]
    fn it_goes_on_over_midnight_and_over_the_end_of_the_week() {
        let night = [window(&["Sun"], "22:00", "8h", "Asia/Tokyo")];
        // Sunday 22:00 in Tokyo is 13:00 in UTC.
        assert_eq!(
            opens(&night, "2026-11-29T12:00:00Z"),
            "2026-11-29T13:00:00Z"
        );
        assert_eq!(opens(&night, "2026-11-29T20:59:00Z"), "open");
        assert_eq!(
            opens(&night, "2026-11-29T21:00:00Z"),
            "2026-12-06T13:00:00Z"
        );
        let week = [window(&["Mon"], "00:00", "168h", "UTC")];
        assert_eq!(opens(&week, "2026-11-29T23:59:59Z"), "open");
        assert_eq!(opens(&week, "2026-11-30T00:00:00Z"), "open");
    }

    #[test]
    fn clocks_set_forward_delay_a_start_that_does_not_come_and_shorten_nothing() {
        // On 2026-03-29 Berlin's clocks go from 02:00 to 03:00, at 01:00 in UTC.
        let missing = [window(&["Sun"], "02:30", "2h", "Europe/Berlin")];
        assert_eq!(
            opens(&missing, "2026-03-29T00:00:00Z"),
            "2026-03-29T01:30:00Z"
        );
        assert_eq!(opens(&missing, "2026-03-29T03:29:00Z"), "open");
        assert_eq!(
            opens(&missing, "2026-03-29T03:30:00Z"),
            "2026-04-05T00:30:00Z"
        );
        let around = [window(&["Sun"], "01:00", "4h", "Europe/Berlin")];
        assert_eq!(opens(&around, "2026-03-29T00:00:00Z"), "open");
        assert_eq!(opens(&around, "2026-03-29T03:59:00Z"), "open");
        assert_eq!(
            opens(&around, "2026-03-29T04:00:00Z"),
            "2026-04-04T23:00:00Z"
        );
    }

    #[test]
    fn clocks_set_back_open_it_once_at_the_first_of_two_starts() {
        // On 2026-10-25 Berlin's clocks go from 03:00 to 02:00, at 01:00 in UTC.
        let twice = [window(&["Sun"], "02:30", "30m", "Europe/Berlin")];
        assert_eq!(
            opens(&twice, "2026-10-25T00:00:00Z"),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(opens(&twice, "2026-10-25T00:59:59Z"), "open");
        assert_eq!(
            opens(&twice, "2026-10-25T01:30:00Z"),
            "2026-11-01T01:30:00Z"
        );
    }

    #[test]
    fn the_first_of_several_counts() {
        let some = [
            window(&["Sat", "Tue"], "02:00", "1h", "UTC"),
            window(&["Mon"], "20:00", "90m", "America/New_York"),
        ];
        // 2026-11-23 is a Monday.
        assert_eq!(opens(&some, "2026-11-23T12:00:00Z"), "2026-11-24T01:00:00Z");
        assert_eq!(opens(&some, "2026-11-24T02:15:00Z"), "open");
        assert_eq!(opens(&some, "2026-11-24T03:00:00Z"), "2026-11-28T02:00:00Z");
    }

    #[test]
    fn what_never_opens_or_cannot_be_read_is_refused_with_a_sentence() {
        let good = Written {
            days: vec!["Sat".to_owned()],
            start: "02:00".to_owned(),
            duration: "4h".to_owned(),
            time_zone: None,
        };
        assert!(Window::new(&good).is_ok());
        let refused = |window: Written, part: &str| {
            let why = Window::new(&window).unwrap_err();
            assert!(why.contains(part), "{why}");
        };
        let with = |change: fn(&mut Written)| {
            let mut window = good.clone();
            change(&mut window);
            window
        };
        refused(with(|window| window.days.clear()), "never opens");
        refused(
            with(|window| window.duration = "0h".to_owned()),
            "never opens",
        );
        refused(with(|window| window.duration = "169h".to_owned()), "week");
        refused(with(|window| window.duration = "4".to_owned()), "4h or 90m");
        refused(
            with(|window| window.days = vec!["Sunday".to_owned()]),
            "Sun",
        );
        for start in ["2:00", "24:00", "02:60", "02-00", "noon", "02:00:00"] {
            let mut window = good.clone();
            window.start = start.to_owned();
            refused(window, "time of day");
        }
        refused(
            with(|window| window.time_zone = Some("Europe/Nowhere".to_owned())),
            "Europe/Nowhere",
        );
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let saturday = [window(&["Sat"], "02:00", "4h", "Europe/Berlin")];
        for now in [Timestamp::MIN, Timestamp::MAX] {
            assert_ne!(opening(&saturday, now), Opening::Open);
        }
    }
}
