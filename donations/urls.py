from django.urls import path, re_path

from donations import api, views
from donations.finance import (
    bank_file_page,
    bank_files,
    columns,
    fund_movements,
    funds,
    getting_started,
    gifts,
    held,
    needs,
    periods,
    proposal,
    reallocation,
    reconciliation,
    reconciliation_day,
    remaining,
    reports,
    results,
    sie,
    start,
    turn,
    unplaced,
)

urlpatterns = [
    path("ekonomi/", start.start, name="finance_start"),
    path("ekonomi/kvar-att-samla-in/", remaining.remaining, name="finance_remaining"),
    path("ekonomi/resultat/", results.choose, name="finance_results"),
    path("ekonomi/resultat/<slug:area>/<str:year>/", results.show, name="finance_results_of"),
    path("ekonomi/resultat/<slug:area>/<str:year>/pdf/", results.pdf, name="finance_results_pdf"),
    path("ekonomi/insamling/<str:number>/", funds.fund, name="finance_fund"),
    path(
        "ekonomi/insamling/<str:number>/ingaende-belopp/",
        fund_movements.opening,
        name="finance_opening",
    ),
    path(
        "ekonomi/insamling/<str:number>/utbetalning/",
        fund_movements.disbursement,
        name="finance_disbursement",
    ),
    path("ekonomi/registrera-gava/", gifts.register, name="finance_gift"),
    path("ekonomi/oplacerade/", unplaced.queue, name="finance_unplaced"),
    path("ekonomi/oplacerade/angra/", unplaced.unplace, name="finance_unplace"),
    path("ekonomi/oplacerade/<int:transfer_id>/", gifts.place, name="finance_place"),
    path(
        "ekonomi/oplacerade/<int:transfer_id>/placera/",
        unplaced.place_at_once,
        name="finance_place_at_once",
    ),
    path("ekonomi/oplacerade/<int:transfer_id>/anteckning/", unplaced.note, name="finance_note"),
    path("ekonomi/gava/<int:transfer_id>/svar/", gifts.answer, name="finance_answer"),
    path(
        "ekonomi/bankfiler/<int:file_id>/kolumner/",
        columns.choose,
        name="finance_bank_file_columns",
    ),
    path("ekonomi/bankfiler/kolumnmallar/", columns.mappings, name="finance_column_mappings"),
    path(
        "ekonomi/bankfiler/kolumnmallar/<int:mapping_id>/",
        columns.rename,
        name="finance_column_mapping",
    ),
    path(
        "ekonomi/bankfiler/kolumnmallar/<int:mapping_id>/ta-bort/",
        columns.delete,
        name="finance_column_mapping_delete",
    ),
    path("ekonomi/bankfiler/", bank_files.bank_file_list, name="finance_bank_files"),
    path("ekonomi/bankfiler/lamna-in/", bank_files.upload, name="finance_bank_files_upload"),
    path(
        "ekonomi/bankfiler/exempel/<str:name>.xml",
        bank_files.demo_bank_file,
        name="finance_demo_bank_file",
    ),
    path("ekonomi/bankfiler/bokfor/", bank_files.confirm_all, name="finance_bank_files_confirm"),
    path("ekonomi/bankfiler/<int:file_id>/", bank_file_page.bank_file, name="finance_bank_file"),
    path(
        "ekonomi/bankfiler/<int:file_id>/bokfor/",
        bank_file_page.confirm,
        name="finance_bank_file_confirm",
    ),
    path(
        "ekonomi/bankfiler/<int:file_id>/las/",
        bank_file_page.read_again,
        name="finance_bank_file_read",
    ),
    path(
        "ekonomi/bankfiler/<int:file_id>/kasta/",
        bank_file_page.discard,
        name="finance_bank_file_discard",
    ),
    path(
        "ekonomi/bankfiler/<int:file_id>/rader/<str:fate>/",
        bank_file_page.lines,
        name="finance_bank_file_lines",
    ),
    path(
        "ekonomi/bankfiler/<int:file_id>/angra/",
        bank_file_page.undo,
        name="finance_bank_file_undo",
    ),
    path(
        "ekonomi/bankfiler/<int:file_id>/igen/",
        bank_file_page.again,
        name="finance_bank_file_again",
    ),
    path("ekonomi/bankfiler/<int:file_id>/beslut/", held.held, name="finance_held"),
    path("ekonomi/bankfiler/<int:file_id>/beslut/alla/", held.held_all, name="finance_held_all"),
    path(
        "ekonomi/bankfiler/<int:file_id>/beslut/<int:held_id>/andra/",
        held.reopen,
        name="finance_held_reopen",
    ),
    path("ekonomi/avstamning/", reconciliation.month, name="finance_reconciliation"),
    path(
        "ekonomi/avstamning/stam-av/", reconciliation.sign_many, name="finance_reconciliation_many"
    ),
    path(
        "ekonomi/avstamning/<int:account_id>/<str:day>/",
        reconciliation_day.day,
        name="finance_reconciliation_day",
    ),
    *(
        path(
            f"ekonomi/avstamning/<int:account_id>/<str:day>/{address}/",
            view,
            name=f"finance_reconciliation_{name}",
        )
        for address, view, name in (
            ("stam-av", reconciliation_day.sign, "sign"),
            ("ta-tillbaka", reconciliation_day.take_back, "take_back"),
            ("skriv-in", reconciliation_day.state, "state"),
            ("stryk", reconciliation_day.strike, "strike"),
            ("rakna-om", reconciliation_day.count_anew, "count"),
        )
    ),
    path("ekonomi/kom-igang/", getting_started.begin, name="finance_getting_started"),
    path(
        "ekonomi/kom-igang/mall/",
        getting_started.template,
        name="finance_getting_started_template",
    ),
    path(
        "ekonomi/kom-igang/<uuid:sheet_key>/",
        getting_started.preview,
        name="finance_getting_started_preview",
    ),
    path("ekonomi/behov/", needs.needs, name="finance_needs"),
    path("ekonomi/behov/nytt-ar/", needs.next_year, name="finance_needs_next_year"),
    path("ekonomi/behov/ark/", needs.upload, name="finance_needs_upload"),
    path("ekonomi/behov/mall/", needs.template, name="finance_needs_template"),
    path("ekonomi/behov/<uuid:sheet_key>/", needs.preview, name="finance_needs_preview"),
    path("ekonomi/arsskifte/", turn.years, name="finance_turns"),
    path("ekonomi/arsskifte/<int:year_id>/", turn.turn, name="finance_turn"),
    path("ekonomi/arsskifte/<int:year_id>/stang/", turn.close, name="finance_close_year"),
    path(
        "ekonomi/arsskifte/for-over/<int:fund_year_id>/",
        turn.carry_over,
        name="finance_carry_over",
    ),
    path(
        "ekonomi/arsskifte/lat-sta-kvar/<int:fund_year_id>/",
        turn.leave,
        name="finance_leave_surplus",
    ),
    path("ekonomi/perioder/", periods.periods, name="finance_periods"),
    path("ekonomi/perioder/las/", periods.lock, name="finance_lock_period"),
    path("ekonomi/sie/", sie.exports, name="finance_sie"),
    path("ekonomi/sie/ny/", sie.new, name="finance_sie_new"),
    path("ekonomi/sie/<int:export_id>/", sie.export, name="finance_sie_export"),
    path("ekonomi/sie/<int:export_id>/fil/", sie.download, name="finance_sie_file"),
    path("ekonomi/sie/<int:export_id>/igen/", sie.again, name="finance_sie_again"),
    path("ekonomi/omfordelning/", reallocation.proposals, name="finance_proposals"),
    path("ekonomi/omfordelning/ny/", reallocation.surpluses, name="finance_surpluses"),
    path(
        "ekonomi/omfordelning/ny/<int:fund_year_id>/", reallocation.propose, name="finance_propose"
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/", proposal.proposal_page, name="finance_proposal"
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/andra/",
        reallocation.edit,
        name="finance_proposal_edit",
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/lamna-in/",
        proposal.submit,
        name="finance_proposal_submit",
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/godkann/",
        proposal.approve,
        name="finance_proposal_approve",
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/avsla/",
        proposal.reject,
        name="finance_proposal_reject",
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/ta-tillbaka/",
        proposal.withdraw,
        name="finance_proposal_withdraw",
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/ta-bort/",
        proposal.delete,
        name="finance_proposal_delete",
    ),
    path(
        "ekonomi/omfordelning/flytta-tillbaka/<int:transfer_id>/",
        proposal.move_back,
        name="finance_move_back",
    ),
    path(
        "ekonomi/omfordelning/<int:proposal_id>/kopiera/",
        proposal.copy,
        name="finance_proposal_copy",
    ),
    path("ekonomi/rapporter/", reports.reports, name="finance_reports"),
    path("ekonomi/rapporter/<slug:slug>/", reports.report, name="finance_report"),
    path("projekt/", views.project_list, name="project_list"),
    path("omfordelningar/", views.reallocations, name="reallocations"),
    re_path(r"^api/v1/insamlingar/(?P<number>[^/]+)/?$", api.fund, name="api_fund"),
    re_path(r"^(?P<number>[0-9]{1,30})/?$", views.collection_number, name="collection_number"),
]
