/**
 * The fields of the exported entities: `Name:type`, a question mark for what may be null. Objects and enums are named by
 * their types. From the public documentation of the Connector API and its OpenAPI description of 2026.
 */
export const objects: Readonly<Record<string, string>> = {
  Amount: "Currency:string NetValue:number GrossValue:number TaxValues:array<TaxValue> Breakdown:TaxBreakdown",
  TaxValue: "Code:string? Value:number",
  TaxBreakdown: "Items:array<TaxBreakdownItem>",
  TaxBreakdownItem: "TaxRateCode:string? NetValue:number TaxValue:number",
  EntityAddress:
    "Id:uuid Line1:string? Line2:string? City:string? PostalCode:string? CountryCode:string? CountrySubdivisionCode:string? Latitude:number? Longitude:number?",
  ExtendedAmount:
    "Currency:string NetValue:number GrossValue:number TaxValues:array<TaxValue> Breakdown:TaxBreakdown Value:number? Net:number? Tax:number? TaxRate:number?",
  OrderItem:
    "Id:uuid EnterpriseId:uuid AccountId:uuid? AccountType:AccountTypeEnum? ServiceId:uuid ServiceOrderId:uuid Notes:string? BillId:uuid? AccountingCategoryId:uuid? BillingName:string? ExternalIdentifier:string? UnitCount:int32 UnitAmount:Amount Amount:Amount OriginalAmount:Amount RevenueType:RevenueTypeEnum CreatorProfileId:uuid UpdaterProfileId:uuid CreatedUtc:instant UpdatedUtc:instant ConsumedUtc:instant CanceledUtc:instant? ClosedUtc:instant? StartUtc:instant? ClaimedUtc:instant? AccountingState:AccountingStateEnum Type:OrderItemTypeEnum Options:OrderItemOptions Data:OrderItemData? TaxExemptionReason:TaxExemptionReasonTypeEnum? TaxExemptionLegalReference:string?",
  OrderItemOptions: "CanceledWithReservation:boolean",
  OrderItemData:
    "Discriminator:OrderItemDataDiscriminatorEnum Rebate:OrderItemRebateData? Product:OrderItemProductData? AllowanceDiscount:OrderItemAllowanceDiscountData? AllowanceProfits:OrderItemAllowanceProfitsData?",
  OrderItemRebateData: "ProductId:uuid RebatedItemId:uuid",
  OrderItemProductData: "ProductId:uuid AgeCategoryId:uuid? ProductType:ProductTypeEnum?",
  OrderItemAllowanceDiscountData: "DiscountedOrderItemId:uuid AllowanceProductOrderItemId:uuid",
  OrderItemAllowanceProfitsData: "AllowanceProductOrderItemId:uuid AllowanceProfitType:AllowanceProfitTypeEnum",
  Payment:
    "Id:uuid EnterpriseId:uuid AccountId:uuid AccountType:AccountTypeEnum PaymentRequestId:uuid? BillId:uuid? ReservationId:uuid? AccountingCategoryId:uuid? Amount:Amount OriginalAmount:Amount Notes:string? SettlementId:string? ConsumedUtc:instant? ClosedUtc:instant? ChargedUtc:instant? CreatedUtc:instant UpdatedUtc:instant SettlementUtc:instant? AccountingState:AccountingStateEnum State:PaymentStateEnum Identifier:string? Type:PaymentDiscriminatorEnum Kind:PaymentKindEnum? Data:PaymentData? PaymentOrigin:PaymentOriginEnum?",
  PaymentData:
    "Discriminator:PaymentDataDiscriminatorEnum CreditCard:PaymentCreditCardData? Invoice:PaymentInvoiceData? External:PaymentExternalData? Ghost:PaymentGhostData? Alternative:PaymentAlternativeData?",
  PaymentCreditCardData: "CreditCardId:uuid? Transaction:CreditCardTransaction?",
  PaymentInvoiceData: "InvoiceId:uuid? Type:InvoicePaymentTypeEnum",
  PaymentExternalData: "Type:ExternalPaymentTypeEnum ExternalIdentifier:string?",
  PaymentGhostData: "OriginalPaymentId:uuid",
  PaymentAlternativeData: "Type:AlternativePaymentMethodTypeEnum",
  CreditCardTransaction:
    "PaymentId:uuid SettlementId:string? SettledUtc:instant? Fee:ExtendedAmount? AdjustedFee:ExtendedAmount? ChargedAmount:ExtendedAmount SettledAmount:ExtendedAmount?",
  Reservation:
    "Id:uuid ServiceId:uuid AccountId:uuid AccountType:AccountTypeEnum CreatorProfileId:uuid UpdaterProfileId:uuid BookerId:uuid? Number:string State:ServiceOrderStateEnum Origin:ServiceOrderOriginEnum CommanderOrigin:ServiceOrderCommanderOriginEnum? OriginDetails:string? CreatedUtc:instant UpdatedUtc:instant CancelledUtc:instant? VoucherId:uuid? BusinessSegmentId:uuid? Options:ServiceOrderOptions RateId:uuid CreditCardId:uuid? GroupId:uuid RequestedResourceCategoryId:uuid AssignedResourceId:uuid? AvailabilityBlockId:uuid? PartnerCompanyId:uuid? TravelAgencyId:uuid? AssignedResourceLocked:boolean ChannelNumber:string? ChannelManagerNumber:string? CancellationReason:ServiceOrderCancellationReasonEnum? ReleasedUtc:instant? StartUtc:instant EndUtc:instant ScheduledStartUtc:instant ActualStartUtc:instant? ScheduledEndUtc:instant ActualEndUtc:instant? Purpose:ReservationPurposeEnum? QrCodeData:string? PersonCounts:array<PersonCount>",
  ServiceOrderOptions:
    "OwnerCheckedIn:boolean AllCompanionsCheckedIn:boolean AnyCompanionCheckedIn:boolean ConnectorCheckIn:boolean",
  PersonCount: "AgeCategoryId:uuid Count:int32",
  Customer:
    "Id:uuid ChainId:uuid Number:string Title:TitleEnum? Sex:SexEnum? FirstName:string? LastName:string SecondLastName:string? NationalityCode:string? PreferredLanguageCode:string? LanguageCode:string? BirthDate:string? BirthCountryCode:string? BirthCountrySubdivisionCode:string? BirthPlace:string? Occupation:string? Email:string? HasOtaEmail:boolean Phone:string? TaxIdentificationNumber:string? LoyaltyCode:string? AccountingCode:string? BillingCode:string? Notes:string? CarRegistrationNumber:string? DietaryRequirements:string? CreatedUtc:instant UpdatedUtc:instant Passport:IdentityDocument? IdentityCard:IdentityDocument? Visa:IdentityDocument? DriversLicense:IdentityDocument? Address:EntityAddress? AddressId:uuid? Classifications:array<CustomerClassificationEnum> Options:array<CustomerOptionsEnum> ItalianDestinationCode:string? ItalianFiscalCode:string? ItalianLotteryCode:string? CompanyId:uuid? MergeTargetId:uuid? ActivityState:string? IsActive:boolean PreferredSpaceFeatures:array<ResourceFeatureEnum> CreatorProfileId:uuid UpdaterProfileId:uuid",
  IdentityDocument:
    "Id:uuid CustomerId:uuid Type:IdentityDocumentTypeEnum Number:string? Expiration:date? Issuance:date? IssuingCountryCode:string? IssuingCountrySubdivisionCode:string? IssuingCity:string? IdentityDocumentSupportNumber:string?",
  Company:
    "Id:uuid ChainId:uuid Name:string MotherCompanyId:uuid? InvoicingEmail:string? WebsiteUrl:string? InvoiceDueInterval:string? Options:CompanyOptions CreditRating:CompanyCreditRating Department:string? DunsNumber:string? ReferenceIdentifier:string? AccountingCode:string? AdditionalTaxIdentifier:string? BillingCode:string? Contact:string? ContactPerson:string? ElectronicInvoiceIdentifier:string? Identifier:string? Iata:string? IsActive:boolean Notes:string? Number:int64 TaxIdentifier:string? Telephone:string? CreatedUtc:instant? UpdatedUtc:instant? Address:EntityAddress? AddressId:uuid? MergeTargetId:uuid? TaxIdentificationNumber:string? ExternalIdentifier:string?",
  CompanyOptions: "Invoiceable:boolean AddFeesToInvoices:boolean AddTaxDeductedPaymentToInvoices:boolean",
  CompanyCreditRating: "Basic:CreditRatingBasicEnum?",
  Bill: "Id:uuid Name:string? EnterpriseId:uuid AccountId:uuid AccountType:AccountTypeEnum CustomerId:uuid? CompanyId:uuid? AssociatedAccountIds:array<uuid>? CounterId:uuid? State:BillStateEnum Type:BillTypeEnum Number:string? VariableSymbol:string? CreatedUtc:instant IssuedUtc:instant? TaxedUtc:instant? PaidUtc:instant? DueUtc:instant? LastReminderDateUtc:instant? UpdatedUtc:instant PurchaseOrderNumber:string? Notes:string? Options:BillOptions? Revenue:array<unknown>? Payments:array<unknown>? OrderItems:array<unknown>? PaymentItems:array<unknown>? AssigneeData:BillOwnerData? OwnerData:BillOwnerData? CompanyDetails:BillCompanyData? AssociatedAccountData:array<BillAccountData>? EnterpriseData:BillEnterpriseData? CorrectionState:BillCorrectionStateEnum CorrectionType:BillCorrectionTypeEnum? CorrectedBillId:uuid?",
  BillOwnerData: "Discriminator:BillAccountDataDiscriminatorEnum Value:BillCustomerData|BillCompanyData",
  BillOptions:
    "DisplayCustomer:boolean DisplayTaxation:boolean TrackReceivable:boolean DisplayCid:boolean Rebated:boolean",
  BillCompanyData:
    "Id:string? Address:BillAddress? LegalIdentifiers:map<string>? BillingCode:string? Name:string FiscalIdentifier:string? AdditionalTaxIdentifier:string? DUNS:string? Telephone:string? TaxIdentifier:string? InvoicingEmail:string? Department:string?",
  BillCustomerData:
    "Id:string Address:BillAddress? LegalIdentifiers:map<string>? BillingCode:string? LastName:string FirstName:string? SecondLastName:string? TitlePrefix:TitleEnum? TaxIdentifier:string?",
  BillAccountData:
    "Discriminator:BillAccountDataDiscriminatorEnum BillCustomerData:BillCustomerData? BillCompanyData:BillCompanyData?",
  BillEnterpriseData:
    "AdditionalTaxIdentifier:string? CompanyName:string? BankAccount:string? BankName:string? Iban:string? Bic:string?",
  BillAddress:
    "Line1:string? Line2:string? City:string? PostalCode:string? SubdivisionCode:string? CountryCode:string?",
  AvailabilityAdjustment:
    "Id:uuid AvailabilityBlockId:uuid? ResourceCategoryId:uuid StartUtc:instant? EndUtc:instant? FirstTimeUnitStartUtc:instant LastTimeUnitStartUtc:instant UnitCount:int32 ActivityState:ActivityStateEnum ReleaseOverrideUtc:instant? UpdatedUtc:instant IsActive:boolean PaxCounts:array<PaxCount>? FirstTimeUnitReleaseUtc:instant?",
  PaxCount: "PersonCount:int32 UnitCount:int32",
  AvailabilityBlock:
    "Id:uuid EnterpriseId:uuid ServiceId:uuid RateId:uuid VoucherId:uuid? BookerId:uuid? CompanyId:uuid? TravelAgencyId:uuid? Budget:CurrencyValue2018? State:AvailabilityBlockStateEnum ReservationPurpose:ReservationPurposeEnum? CreatedUtc:instant UpdatedUtc:instant FirstTimeUnitStartUtc:instant LastTimeUnitStartUtc:instant ReleasedUtc:instant? RollingReleaseOffset:string? ExternalIdentifier:string? Name:string? Notes:string? PickupDistribution:PickupDistributionEnum IsActive:boolean QuoteId:uuid? AvailabilityBlockNumber:string ReleaseStrategy:ReleaseStrategyEnum PurchaseOrderNumber:string? BusinessSegmentId:uuid? CanceledUtc:instant? CancellationReason:ServiceOrderCancellationReasonEnum? CancellationReasonDetail:string?",
  CurrencyValue2018: "Currency:string Value:number? Net:number? Tax:number? TaxRate:number?",
  ResourceBlock:
    "Id:uuid EnterpriseId:uuid AssignedResourceId:uuid IsActive:boolean Type:ResourceBlockTypeEnum StartUtc:instant EndUtc:instant CreatedUtc:instant UpdatedUtc:instant DeletedUtc:instant? Name:string Notes:string?",
  LedgerEntry:
    "Id:uuid EnterpriseId:uuid TransactionId:uuid? AccountId:uuid BillId:uuid? AccountingCategoryId:uuid? AccountingItemId:uuid AccountingItemType:LedgerAccountingItemTypeEnum LedgerType:LedgerTypeEnum LedgerEntryType:LedgerEntryTypeEnum PostingDate:date Value:number NetBaseValue:number? TaxRateCode:string? CreatedUtc:instant"
}

/** The documented values of enumerations. */
export const enums: Readonly<Record<string, string>> = {
  AccountTypeEnum: "Company Customer",
  AccountingStateEnum: "Open Closed Inactive Canceled",
  ReservationPurposeEnum: "Leisure Business Student",
  ServiceOrderCancellationReasonEnum:
    "Other ConfirmationMissed BookedElsewhere ForceMajeure GuestComplaint NoShow PriceTooHigh ServiceNotAvailable InputError InvalidPayment TravelAgency RequestedByGuest Update BookingAbandoned RequestedByBooker",
  TitleEnum: "Mister Miss Misses",
  RevenueTypeEnum: "Service Product Additional",
  OrderItemTypeEnum:
    "CancellationFee NightRebate ProductOrderRebate AdditionalExpenseRebate Deposit ExchangeRateDifference CustomItem ServiceCharge CityTax CityTaxDiscount SpaceOrder ProductOrder Surcharge TaxCorrection ResourceUpgradeFee InvoiceFee MulticurrencyFee AllowanceDiscount AllowanceBreakage AllowanceContraBreakage",
  TaxExemptionReasonTypeEnum:
    "Unknown IT_N1 IT_N2_2 IT_N3_5 IT_N4 IT_N5 PL_ZW PL_NP DE_NATO IT_N2_1 IT_N3_4 FR_261_7 FR_262_00_BIS FR_293_B",
  OrderItemDataDiscriminatorEnum: "Rebate Product AllowanceDiscount AllowanceProfits",
  ProductTypeEnum: "Product Allowance",
  AllowanceProfitTypeEnum: "AllowanceBreakage AllowanceContraBreakage AllowanceLoss AllowanceContraLoss",
  PaymentStateEnum: "Charged Canceled Pending Failed Verifying",
  PaymentDiscriminatorEnum:
    "Payment CreditCardPayment AlternativePayment CashPayment InvoicePayment ExternalPayment GhostPayment TaxDeductedPayment",
  PaymentKindEnum: "Payment Chargeback ChargebackReversal Refund",
  PaymentOriginEnum:
    "Other System Operations AutomaticPayment PaymentRequest BookingEngine Api Terminal ChannelManager OnlineCheckout BillBalancing OnlineCheckin PointOfSales PaymentToInvoiceLinking",
  PaymentDataDiscriminatorEnum: "CreditCard Invoice External Ghost Alternative",
  InvoicePaymentTypeEnum:
    "Receivable Balancing UnderpaymentBalancingReceivable OverpaymentBalancingReceivable Overpayment",
  ExternalPaymentTypeEnum:
    "Unspecified BadDebts Bacs WireTransfer Invoice ExchangeRateDifference Complimentary Reseller ExchangeRoundingDifference Barter Commission BankCharges CrossSettlement Cash CreditCard Prepayment Cheque Bancontact IDeal PayPal GiftCard LoyaltyPoints ChequeVacances OnlinePayment CardCheck PaymentHubRedirection Voucher MasterCard Visa Amex Discover DinersClub Jcb UnionPay Twint Reka LoyaltyCard PosDiningAndSpaReward DirectDebit DepositCheck DepositCash DepositCreditCard DepositWireTransfer",
  AlternativePaymentMethodTypeEnum: "Ideal ApplePay GooglePay SepaDirectDebit PayPal WireTransfer",
  ServiceOrderStateEnum: "Inquired Confirmed Started Processed Canceled Optional Requested",
  ServiceOrderOriginEnum: "Distributor ChannelManager Commander Import Connector Navigator",
  ServiceOrderCommanderOriginEnum: "InPerson Channel Phone Email Website Message CallCenter RoomingList",
  SexEnum: "Male Female",
  CustomerClassificationEnum:
    "PaymasterAccount Blacklist Media LoyaltyProgram PreviousComplaint Returning Staff FriendOrFamily TopManagement Important VeryImportant Problematic Cashlist DisabledPerson Military Airline HealthCompliant InRoom WaitingForRoom Student Blocklist",
  CustomerOptionsEnum:
    "None SendMarketingEmails Invoiceable BillAddressObjection SendMarketingPostalMail SendPartnerMarketingEmails SendPartnerMarketingPostalMail WithdrawCardConsent GuestPhotoConsent IdPhotosConsent",
  ResourceFeatureEnum:
    "SeaView RiverView OceanView TwinBeds DoubleBed RollawayBed UpperBed LowerBed Balcony AccessibleBathroom AccessibleRoom ElevatorAccess HighFloor Kitchenette AirConditioning PrivateJacuzzi PrivateSauna EnsuiteRoom PrivateBathroom SharedBathroom",
  IdentityDocumentTypeEnum: "IdentityCard Passport Visa DriversLicense",
  CreditRatingBasicEnum: "CreditOk PaymentRequiredUpfront LocalDecisionRequired",
  BillStateEnum: "Open Closed",
  BillTypeEnum: "Receipt Invoice",
  BillAccountDataDiscriminatorEnum: "BillCustomerData BillCompanyData",
  BillCorrectionStateEnum: "Bill CorrectiveBill",
  BillCorrectionTypeEnum: "Cancellation Edit CreditNote Reinstatement ReceivablePaymentsBalance",
  ActivityStateEnum: "Deleted Active",
  AvailabilityBlockStateEnum: "Confirmed Optional Inquired Canceled",
  PickupDistributionEnum: "AllInOneGroup IndividualGroups",
  ReleaseStrategyEnum: "FixedRelease RollingRelease None",
  ResourceBlockTypeEnum: "OutOfOrder InternalUse",
  LedgerAccountingItemTypeEnum:
    "OrderItem OutletItem Invoice Payment DepositBalancingPayment CityLedgerBalancingPayment DepositItem",
  LedgerTypeEnum: "Revenue Tax Payment Deposit Guest City NonRevenue",
  LedgerEntryTypeEnum: "Debit Credit"
}
