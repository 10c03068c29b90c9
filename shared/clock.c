#include "shared/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define YEAR_0000_S INT64_C(-62167219200)
#define YEAR_9999_S INT64_C(253402300799)

/* What the agreed time is ahead of the monotonic clock; 0: nothing was agreed. */
static _Atomic int64_t agreed_ahead_ns;

static int64_t mono_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t clock_mono_ms(void)
{
	return mono_ns() / 1000000;
}

int64_t clock_real_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

void clock_agree(int64_t real_ns)
{
	atomic_store(&agreed_ahead_ns, real_ns - mono_ns());
}

int64_t clock_agreed_ns(void)
{
	int64_t ahead_ns = atomic_load(&agreed_ahead_ns);

	return ahead_ns == 0 ? clock_real_ns() : mono_ns() + ahead_ns;
}

void clock_format(int64_t real_ns, char ret_text[static CLOCK_RFC3339_SIZE])
{
	int64_t ns = ((real_ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
	int64_t seconds = (real_ns - ns) / NS_PER_S;
	struct tm parts;
	time_t when;

	if (seconds < YEAR_0000_S)
		seconds = YEAR_0000_S;
	if (seconds > YEAR_9999_S)
		seconds = YEAR_9999_S;
	when = (time_t)seconds;
	(void)gmtime_r(&when, &parts);
	(void)snprintf(ret_text, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
	               (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
	               (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100, (unsigned)parts.tm_min % 100,
	               (unsigned)parts.tm_sec % 100, (unsigned)(ns / 1000) % 1000000);
}

/* Takes exactly `digits` digits at *pos. */
static bool take_number(struct span text, size_t *pos, unsigned digits, int *ret_value)
{
	int value = 0;

	for (unsigned i = 0; i < digits; i++, (*pos)++) {
		if (*pos >= text.len || text.ptr[*pos] < '0' || text.ptr[*pos] > '9')
			return false;
		value = value * 10 + (text.ptr[*pos] - '0');
	}
	*ret_value = value;
	return true;
}

static bool take_byte(struct span text, size_t *pos, char upper, char other)
{
	if (*pos >= text.len || (text.ptr[*pos] != (uint8_t)upper && text.ptr[*pos] != (uint8_t)other))
		return false;
	(*pos)++;
	return true;
}

static int64_t take_fraction(struct span text, size_t *pos)
{
	int64_t ns = 0, unit = NS_PER_S / 10;

	while (*pos < text.len && text.ptr[*pos] >= '0' && text.ptr[*pos] <= '9') {
		ns += (text.ptr[*pos] - '0') * unit;
		unit /= 10;
		(*pos)++;
	}
	return ns;
}

static bool take_offset(struct span text, size_t *pos, int64_t *ret_offset_s)
{
	int hours, minutes, sign;

	*ret_offset_s = 0;
	if (take_byte(text, pos, 'Z', 'z'))
		return true;
	if (*pos >= text.len || (text.ptr[*pos] != '+' && text.ptr[*pos] != '-'))
		return false;
	sign = text.ptr[(*pos)++] == '+' ? 1 : -1;
	if (!take_number(text, pos, 2, &hours) || !take_byte(text, pos, ':', ':') ||
	    !take_number(text, pos, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool clock_parse(struct span text, int64_t *ret_real_ns)
{
	struct tm parts = { .tm_isdst = 0 };
	size_t pos = 0;
	int64_t offset_s, ns = 0, seconds;

	if (!take_number(text, &pos, 4, &parts.tm_year) || !take_byte(text, &pos, '-', '-') ||
	    !take_number(text, &pos, 2, &parts.tm_mon) || !take_byte(text, &pos, '-', '-') ||
	    !take_number(text, &pos, 2, &parts.tm_mday) || !take_byte(text, &pos, 'T', 't') ||
	    !take_number(text, &pos, 2, &parts.tm_hour) || !take_byte(text, &pos, ':', ':') ||
	    !take_number(text, &pos, 2, &parts.tm_min) || !take_byte(text, &pos, ':', ':') ||
	    !take_number(text, &pos, 2, &parts.tm_sec))
		return false;
	if (take_byte(text, &pos, '.', '.')) {
		size_t first = pos;

		ns = take_fraction(text, &pos);
		if (pos == first)
			return false;
	}
	if (!take_offset(text, &pos, &offset_s) || pos != text.len)
		return false;
	if (parts.tm_mon < 1 || parts.tm_mon > 12 || parts.tm_mday < 1 || parts.tm_mday > 31 || parts.tm_hour > 23 ||
	    parts.tm_min > 59 || parts.tm_sec > 60)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	seconds = (int64_t)timegm(&parts) - offset_s;
	if (seconds > INT64_MAX / NS_PER_S - 1 || seconds < INT64_MIN / NS_PER_S + 1)
		return false;
	*ret_real_ns = seconds * NS_PER_S + ns;
	return true;
}
